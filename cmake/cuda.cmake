# The CUDA engine, libnin-cuda.so: a plug-in that the library opens when a CUDA device is asked for
# (src/cuda/load.c). The library itself needs nothing of CUDA, neither to build nor to run.

set(NIN_CUDA AUTO CACHE STRING "Build the CUDA engine: AUTO (where nvcc is found), ON or OFF")
set_property(CACHE NIN_CUDA PROPERTY STRINGS AUTO ON OFF)

set(nin_have_cuda OFF)
if(NIN_CUDA STREQUAL "AUTO")
    include(CheckLanguage)
    check_language(CUDA)
    if(CMAKE_CUDA_COMPILER)
        set(nin_have_cuda ON)
    endif()
elseif(NIN_CUDA)
    set(nin_have_cuda ON)
endif()

# Ampere and Hopper as they are, newer ones from PTX.
if(nin_have_cuda AND NOT DEFINED CMAKE_CUDA_ARCHITECTURES)
    set(CMAKE_CUDA_ARCHITECTURES 80-real 90 CACHE STRING "Architectures of the CUDA engine")
endif()
if(nin_have_cuda)
    enable_language(CXX)
    enable_language(CUDA)
    set(CMAKE_CUDA_STANDARD 17)
    set(CMAKE_CUDA_STANDARD_REQUIRED ON)
    set(CMAKE_CUDA_EXTENSIONS OFF)
    set(CMAKE_CUDA_RUNTIME_LIBRARY Static)
endif()

# Where the library looks for the engine, and where a program that was moved together with it does,
# seen from its own directory.
set(nin_plugin_directory ${CMAKE_INSTALL_FULL_LIBDIR}/nin)
file(RELATIVE_PATH nin_plugins_from_program ${CMAKE_INSTALL_FULL_BINDIR} ${nin_plugin_directory})
