# Sources that are made while building.

set(nin_generated ${PROJECT_BINARY_DIR}/generated)

# Text files as C arrays: into the library models/*.net and recipes/*.conf (src/base/embedded.h),
# into the program experiments/*.rows (cli/embedded.h).
function(nin_embed out header prefix)
    set(lists "")
    set(all_files "")
    foreach(argument IN LISTS ARGN)
        string(REPLACE "=" ";" parts ${argument})
        list(POP_FRONT parts kind glob)
        file(GLOB files CONFIGURE_DEPENDS ${glob})
        list(APPEND lists --list ${kind} ${files})
        list(APPEND all_files ${files})
    endforeach()
    add_custom_command(
        OUTPUT ${out}
        COMMAND Python3::Interpreter ${PROJECT_SOURCE_DIR}/tools/embed.py ${out} --header ${header}
                --prefix ${prefix} ${lists}
        DEPENDS tools/embed.py ${all_files}
        COMMENT "Embedding texts for ${header}"
        VERBATIM
    )
endfunction()

set(nin_embedded ${nin_generated}/embedded.c)
nin_embed(
    ${nin_embedded} base/embedded.h ninp_embedded models=models/*.net recipes=recipes/*.conf
)
set(program_embedded ${nin_generated}/experiments.c)
nin_embed(${program_embedded} embedded.h cli_embedded experiments=experiments/*.rows)

# The transforms of the CPU engine: src/cpu/*/generate.py OUTDIR writes the headers that it --lists,
# which src/cpu/kernel finds.
file(GLOB generators CONFIGURE_DEPENDS src/cpu/*/generate.py)
set(nin_transform_headers "")
foreach(generator IN LISTS generators)
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${generator})
    execute_process(
        COMMAND ${Python3_EXECUTABLE} ${generator} --list
        OUTPUT_VARIABLE headers
        OUTPUT_STRIP_TRAILING_WHITESPACE
        COMMAND_ERROR_IS_FATAL ANY
    )
    string(REGEX REPLACE "[ \n]+" ";" headers "${headers}")
    list(TRANSFORM headers PREPEND ${nin_generated}/)
    cmake_path(GET generator PARENT_PATH folder)
    file(GLOB inputs CONFIGURE_DEPENDS ${folder}/*.py)
    cmake_path(GET folder FILENAME name)
    add_custom_command(
        OUTPUT ${headers}
        COMMAND Python3::Interpreter ${generator} ${nin_generated}
        DEPENDS ${inputs}
        COMMENT "Generating transforms: ${name}"
        VERBATIM
    )
    list(APPEND nin_transform_headers ${headers})
endforeach()
add_custom_target(nin_generated_headers DEPENDS ${nin_transform_headers})
