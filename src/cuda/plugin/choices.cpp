#include "cuda/plugin/choices.h"

#include <stdio.h>
#include <string.h>

namespace ninp_cuda {
namespace {

/* "cublaslt forward bf16 128 of 96x54x54 to 96x54x54, kernel 1/1 padding 0, relu, 16 algorithms":
 * everything that decides what a library proposes, and how fast that is. */
void describe(const product_problem &problem, const product &made, ninp_cuda_choice *choice) {
    static const char *const passes[] = {"forward", "input gradient", "weight gradient"};
    static const char *const maths[] = {"float32", "tf32", "bf16"};
    const nin_shape from = problem.input;
    const nin_shape to = problem.output;
    snprintf(choice->product, sizeof choice->product,
             "%s %s %s %d of %dx%dx%d to %dx%dx%d, kernel %d/%d padding %d,%s%s%s %d algorithms",
             made.name, passes[problem.pass], maths[problem.math], problem.count, from.channels,
             from.height, from.width, to.channels, to.height, to.width, problem.kernel,
             problem.stride, problem.padding, problem.relu ? " relu," : "",
             problem.vector ? " bias," : "", problem.mask ? " mask," : "", made.algorithms);
}

/* Its place among the choices, or NULL. */
ninp_cuda_choice *find(const ninp_cuda_choices *choices, const ninp_cuda_choice &wanted) {
    for (size_t i = 0; i < choices->count; i++) {
        if (strcmp(choices->items[i].product, wanted.product) == 0) {
            return &choices->items[i];
        }
    }
    return NULL;
}

} // namespace

int recall_algorithm(const ninp_cuda_choices *choices, const product_problem &problem,
                     const product &made) {
    if (!choices) {
        return -1;
    }
    ninp_cuda_choice wanted = {};
    describe(problem, made, &wanted);
    const ninp_cuda_choice *found = find(choices, wanted);
    return found && found->algorithm < made.algorithms ? found->algorithm : -1;
}

void keep_algorithm(ninp_cuda_choices *choices, const product_problem &problem, const product &made,
                    int algorithm) {
    if (!choices) {
        return;
    }
    ninp_cuda_choice chosen = {};
    describe(problem, made, &chosen);
    chosen.algorithm = algorithm;
    ninp_cuda_choice *place = find(choices, chosen);
    if (!place && choices->count < choices->capacity) {
        place = &choices->items[choices->count++];
    }
    if (place) {
        *place = chosen;
        choices->changed = true;
    }
}

} // namespace ninp_cuda
