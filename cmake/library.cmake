# The library: every file is compiled once, position independent, and goes into libnin.a and
# libnin.so.

# Compiles for the target see src/ and the generated headers, beside what they are made with.
function(nin_internal_target target)
    set_target_properties(${target} PROPERTIES POSITION_INDEPENDENT_CODE ON)
    target_include_directories(
        ${target} PRIVATE ${PROJECT_SOURCE_DIR}/include ${PROJECT_SOURCE_DIR}/src ${nin_generated}
    )
    target_include_directories(
        ${target} SYSTEM PRIVATE ${NIN_RANDOM123_INCLUDE} ${nin_opened_INCLUDE_DIRS}
    )
    target_compile_definitions(
        ${target} PRIVATE ${nin_isa_definitions} NINP_HAVE_LAPACK=${nin_have_lapack}
    )
    target_link_libraries(${target} PRIVATE PkgConfig::nin_modules Threads::Threads)
    add_dependencies(${target} nin_generated_headers)
endfunction()

file(GLOB_RECURSE library_sources CONFIGURE_DEPENDS src/*.c)
set(kernel_sources ${library_sources})
list(FILTER library_sources EXCLUDE REGEX "/src/(cpu/kernel|cuda/plugin|cuda/emulate)/")
list(FILTER kernel_sources INCLUDE REGEX "/src/cpu/kernel/")

add_library(nin_objects OBJECT ${library_sources} ${nin_embedded})
nin_internal_target(nin_objects)
foreach(source IN LISTS library_sources)
    if(source MATCHES "/src/(base|data|image|format|net|train)/")
        set_property(SOURCE ${source} APPEND PROPERTY COMPILE_OPTIONS ${nin_conversion_flags})
    endif()
    if(source MATCHES "/src/(cpu|engine|train)/")
        set_property(SOURCE ${source} APPEND PROPERTY COMPILE_OPTIONS ${OpenMP_C_FLAGS})
    endif()
endforeach()

set_property(
    SOURCE src/cuda/load.c APPEND
    PROPERTY COMPILE_DEFINITIONS NINP_PLUGIN_DIRECTORY="${nin_plugin_directory}"
)

set(nin_all_objects $<TARGET_OBJECTS:nin_objects>)
foreach(isa IN LISTS nin_isas)
    if(kernel_sources)
        add_library(nin_kernel_${isa} OBJECT ${kernel_sources})
        nin_internal_target(nin_kernel_${isa})
        target_compile_definitions(
            nin_kernel_${isa} PRIVATE NINP_ISA=${isa} NINP_SIMD_HEADER="cpu/simd/${isa}.h"
        )
        target_compile_options(
            nin_kernel_${isa}
            PRIVATE ${nin_isa_flags_${isa}} -ffp-contract=fast ${OpenMP_C_FLAGS}
        )
        list(APPEND nin_all_objects $<TARGET_OBJECTS:nin_kernel_${isa}>)
    endif()
endforeach()

add_library(nin_static STATIC ${nin_all_objects})
add_library(nin_shared SHARED ${nin_all_objects})
foreach(target IN ITEMS nin_static nin_shared)
    set_target_properties(${target} PROPERTIES OUTPUT_NAME nin LINKER_LANGUAGE C)
    target_include_directories(
        ${target} PUBLIC $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include>
                         $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>
    )
    target_link_libraries(
        ${target} PRIVATE PkgConfig::nin_modules Threads::Threads ${nin_openmp_library} m
    )
endforeach()

# While the major version is 0 the soname stays libnin.so.0.
set(version_script ${PROJECT_SOURCE_DIR}/cmake/nin.map)
set_target_properties(
    nin_shared PROPERTIES VERSION ${PROJECT_VERSION} SOVERSION ${PROJECT_VERSION_MAJOR}
                          LINK_DEPENDS ${version_script}
)
target_link_options(nin_shared PRIVATE -Wl,--version-script=${version_script})
if(NOT NIN_SANITIZE)
    target_link_options(nin_shared PRIVATE -Wl,--no-undefined)
endif()

set_target_properties(nin_shared PROPERTIES EXPORT_NAME nin)
add_library(nin::nin ALIAS nin_shared)
add_library(nin::nin_static ALIAS nin_static)
