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

# The Winograd transforms of the CPU engine: winograd_*.h, found by src/cpu.
set(winograd_generator ${PROJECT_SOURCE_DIR}/src/cpu/winograd/generate.py)
set(nin_winograd_headers "")
if(EXISTS ${winograd_generator})
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${winograd_generator})
    execute_process(
        COMMAND ${Python3_EXECUTABLE} ${winograd_generator} --list
        OUTPUT_VARIABLE nin_winograd_headers
        OUTPUT_STRIP_TRAILING_WHITESPACE
        COMMAND_ERROR_IS_FATAL ANY
    )
    string(REGEX REPLACE "[ \n]+" ";" nin_winograd_headers "${nin_winograd_headers}")
    list(TRANSFORM nin_winograd_headers PREPEND ${nin_generated}/)
    file(GLOB winograd_inputs CONFIGURE_DEPENDS src/cpu/winograd/*.py)
    add_custom_command(
        OUTPUT ${nin_winograd_headers}
        COMMAND Python3::Interpreter ${winograd_generator} ${nin_generated}
        DEPENDS ${winograd_inputs}
        COMMENT "Generating Winograd transforms"
        VERBATIM
    )
endif()
add_custom_target(nin_generated_headers DEPENDS ${nin_winograd_headers})
