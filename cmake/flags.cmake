# Flags of everything that is compiled here.

add_compile_definitions(_POSIX_C_SOURCE=200809L _DEFAULT_SOURCE)

# No a*b+c is fused outside src/cpu/kernel, so that results do not depend on what a compiler finds
# to fuse. Never -ffast-math: NaN has to pass through.
# The CUDA compiler has flags of its own (src/cuda/plugin/CMakeLists.txt).
add_compile_options("$<$<COMPILE_LANGUAGE:C,CXX>:-ffp-contract=off;-fno-math-errno>")

set(nin_warnings
    -Wall
    -Wextra
    -Wpedantic
    -Wshadow
    -Wundef
    -Wvla
    -Wcast-qual
    -Wformat=2
    -Wdouble-promotion
)
if(NIN_WERROR)
    list(APPEND nin_warnings -Werror)
endif()
add_compile_options(
    "$<$<COMPILE_LANGUAGE:C,CXX>:${nin_warnings}>"
    "$<$<COMPILE_LANGUAGE:C>:-Wstrict-prototypes;-Wmissing-prototypes>"
)

# Where sizes come from files, every change of a number's type is written out.
set(nin_conversion_flags -Wconversion -Wsign-conversion)

if(NIN_SANITIZE)
    set(nin_sanitize -fsanitize=${NIN_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
    add_compile_options("$<$<COMPILE_LANGUAGE:C,CXX>:${nin_sanitize}>")
    add_link_options(-fsanitize=${NIN_SANITIZE})
endif()
