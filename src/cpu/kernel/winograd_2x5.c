#include "cpu/kernel/isa.h"

#include "winograd_2x5.h"

#include "cpu/kernel/winograd_tile.h"

const ninp_winograd_form NINP_FOR_ISA(ninp_winograd_2x5) = NINP_TILE_FORM;
