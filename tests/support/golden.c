#include "support/golden.h"

#include "format/safetensors.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

struct golden {
    ninp_safetensors *file;
    float **values; /* one array a tensor, NULL: not asked for yet */
};

golden *golden_open(const char *path) {
    golden *opened = calloc(1, sizeof *opened);
    assert_non_null(opened);
    nin_error err = {0};
    if (ninp_safetensors_open(path, &opened->file, &err) != NIN_OK) {
        fail_msg("%s", err.message);
    }
    opened->values = calloc(ninp_safetensors_count(opened->file), sizeof *opened->values);
    assert_non_null(opened->values);
    return opened;
}

void golden_close(golden *from) {
    for (size_t i = 0; i < ninp_safetensors_count(from->file); i++) {
        free(from->values[i]);
    }
    free(from->values);
    ninp_safetensors_close(from->file);
    free(from);
}

const float *golden_values(golden *from, const char *name, size_t *count) {
    const ninp_safetensors_tensor *tensor = ninp_safetensors_find(from->file, name);
    if (!tensor) {
        fail_msg("%s: no tensor %s", ninp_safetensors_path(from->file), name);
        return NULL;
    }
    size_t index = (size_t)(tensor - ninp_safetensors_at(from->file, 0));
    if (!from->values[index]) {
        from->values[index] = calloc(tensor->count + 1, sizeof(float));
        assert_non_null(from->values[index]);
        nin_error err = {0};
        if (ninp_safetensors_read(from->file, tensor, from->values[index], &err) != NIN_OK) {
            fail_msg("%s", err.message);
        }
    }
    *count = tensor->count;
    return from->values[index];
}

void expect_close(const char *name, const float *values, const float *expected, size_t count,
                  double bound) {
    for (size_t i = 0; i < count; i++) {
        double value = (double)values[i];
        double wanted = (double)expected[i];
        bool close =
            isnan(wanted) ? isnan(value) : fabs(value - wanted) <= bound * (1 + fabs(wanted));
        if (!close) {
            fail_msg("%s: value %zu is %.9g, expected %.9g", name, i, value, wanted);
        }
    }
}
