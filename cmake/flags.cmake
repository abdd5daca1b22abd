# Flags of everything that is compiled here.

add_compile_definitions(_POSIX_C_SOURCE=200809L _DEFAULT_SOURCE)

# No a*b+c is fused outside src/cpu/kernel, so that results do not depend on what a compiler finds
# to fuse. Never -ffast-math: NaN has to pass through.
add_compile_options(-ffp-contract=off -fno-math-errno)

add_compile_options(
    -Wall
    -Wextra
    -Wpedantic
    -Wshadow
    -Wstrict-prototypes
    -Wmissing-prototypes
    -Wundef
    -Wvla
    -Wcast-qual
    -Wformat=2
    -Wdouble-promotion
)
if(NIN_WERROR)
    add_compile_options(-Werror)
endif()

# Where sizes come from files, every change of a number's type is written out.
set(nin_conversion_flags -Wconversion -Wsign-conversion)

if(NIN_SANITIZE)
    add_compile_options(
        -fsanitize=${NIN_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer
    )
    add_link_options(-fsanitize=${NIN_SANITIZE})
endif()
