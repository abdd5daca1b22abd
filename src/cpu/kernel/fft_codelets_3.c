#include "cpu/kernel/isa.h"

#include "cpu/kernel/fft_parts.h"

#include "fft_codelets_3.h"
