/* Several layers under one name: the lines up to `end`. */
#include "net/layer/shape.h"

const ninp_layer_type ninp_layer_sequential = {
    .word = "sequential",
    .class_name = "Sequential",
    .usage = "sequential",
    .read = ninp_read_nothing,
};
