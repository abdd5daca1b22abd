# What nin is built with. One list of pkg-config modules serves the build, nin.pc and
# ninConfig.cmake.

set(nin_modules zlib libpng cairo jansson libxxhash libcrypto)
# Opened when they are needed (src/base/library.h): the build takes their headers only.
set(nin_opened_modules libcurl)

find_package(PkgConfig REQUIRED)

# Any BLAS and LAPACK will do. Only finding a whitening transform needs them, so a build can do
# without.
option(NIN_LAPACK "Use LAPACK where it is installed" ON)
set(nin_have_lapack 0)
if(NIN_LAPACK)
    pkg_check_modules(nin_lapack QUIET lapacke blas)
    if(nin_lapack_FOUND)
        set(nin_have_lapack 1)
        list(APPEND nin_opened_modules lapacke blas)
    endif()
endif()

pkg_check_modules(nin_modules REQUIRED IMPORTED_TARGET ${nin_modules})
pkg_check_modules(nin_opened REQUIRED ${nin_opened_modules})

find_package(Threads REQUIRED)
find_package(Python3 REQUIRED COMPONENTS Interpreter)
find_package(OpenMP REQUIRED COMPONENTS C)

find_path(NIN_RANDOM123_INCLUDE Random123/philox.h REQUIRED)
mark_as_advanced(NIN_RANDOM123_INCLUDE)

# A static libnin needs the OpenMP runtime of the compiler that built it, whatever compiles the
# program it goes into: gcc finds its own by name, others are named by path.
if(CMAKE_C_COMPILER_ID STREQUAL "GNU")
    set(nin_openmp_library gomp)
else()
    list(GET OpenMP_C_LIB_NAMES 0 nin_openmp_library)
    set(nin_openmp_library ${OpenMP_${nin_openmp_library}_LIBRARY})
endif()
