# Sources that are made while building.

set(nin_generated ${PROJECT_BINARY_DIR}/generated)

# models/*.net and recipes/*.conf as C arrays (src/base/embedded.h).
file(GLOB embedded_models CONFIGURE_DEPENDS models/*.net)
file(GLOB embedded_recipes CONFIGURE_DEPENDS recipes/*.conf)
set(nin_embedded ${nin_generated}/embedded.c)
add_custom_command(
    OUTPUT ${nin_embedded}
    COMMAND
        Python3::Interpreter ${PROJECT_SOURCE_DIR}/tools/embed.py ${nin_embedded} --models
        ${embedded_models} --recipes ${embedded_recipes}
    DEPENDS tools/embed.py ${embedded_models} ${embedded_recipes}
    COMMENT "Embedding models and recipes"
    VERBATIM
)

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
