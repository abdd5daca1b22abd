# The instruction sets that src/cpu/kernel is compiled for. Each kernel file is compiled once for
# each, with NINP_ISA naming it and NINP_SIMD_HEADER its vector header; NINP_HAVE_<ISA> tells the
# rest of the library which ones there are.

set(nin_isa_flags_generic "")
set(nin_isa_flags_avx2 -mavx2 -mfma)
set(nin_isa_flags_avx512 -mavx2 -mfma -mavx512f -mavx512bw -mavx512dq -mavx512vl)
set(nin_isa_flags_neon "")

if(CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|amd64|AMD64)$" AND CMAKE_SIZEOF_VOID_P EQUAL 8)
    set(nin_isas generic avx2 avx512)
elseif(CMAKE_SYSTEM_PROCESSOR MATCHES "^(aarch64|arm64)$")
    set(nin_isas generic neon)
else()
    set(nin_isas generic)
endif()

set(nin_isa_definitions "")
foreach(isa IN LISTS nin_isas)
    string(TOUPPER ${isa} upper)
    list(APPEND nin_isa_definitions NINP_HAVE_${upper}=1)
endforeach()
