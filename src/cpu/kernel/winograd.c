#include "cpu/kernel/isa.h"

#include "cpu/kernel/winograd.h"

const ninp_winograd_kernels NINP_FOR_ISA(ninp_winograd_kernels) = {
    .forms = {&NINP_FOR_ISA(ninp_winograd_2x3), &NINP_FOR_ISA(ninp_winograd_4x3),
              &NINP_FOR_ISA(ninp_winograd_6x3), &NINP_FOR_ISA(ninp_winograd_2x5),
              &NINP_FOR_ISA(ninp_winograd_4x5)},
};
