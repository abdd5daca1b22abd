/* cuBLASLt thinks in columns: a row-major matrix of rows x columns is to it a matrix of columns x
 * rows. So with X (C x pixels), Y (K x pixels) and W (K x C) as it sees them:
 *
 *     Y = W X + bias        dX = W^T dY        dW (C x K) = X dY^T, and the sums of dY's rows
 */
#include "cuda/plugin/cublaslt.h"

#if __has_include(<cublasLt.h>)
#include <cublasLt.h>

#include <stdlib.h>
#include <string.h>

namespace ninp_cuda {

enum { MOST_ALGORITHMS = 16 };

/* X(function): the library's functions that are used. */
#define LT_FUNCTIONS(X)                     \
    X(cublasLtCreate)                       \
    X(cublasLtDestroy)                      \
    X(cublasLtMatmul)                       \
    X(cublasLtMatmulAlgoGetHeuristic)       \
    X(cublasLtMatmulDescCreate)             \
    X(cublasLtMatmulDescDestroy)            \
    X(cublasLtMatmulDescSetAttribute)       \
    X(cublasLtMatmulPreferenceCreate)       \
    X(cublasLtMatmulPreferenceDestroy)      \
    X(cublasLtMatmulPreferenceSetAttribute) \
    X(cublasLtMatrixLayoutCreate)           \
    X(cublasLtMatrixLayoutDestroy)

struct lt_library {
#define LT_POINTER(function) decltype(&::function) function;
    LT_FUNCTIONS(LT_POINTER)
#undef LT_POINTER
    cublasLtHandle_t handle;
};

struct lt_product {
    const lt_library *library;
    cublasLtMatmulDesc_t operation;
    cublasLtMatrixLayout_t first, second, result;
    bool swapped; /* b is the first factor */
    size_t workspace_bytes;
    cublasLtMatmulHeuristicResult_t algorithms[MOST_ALGORITHMS];
};

namespace {

template <typename Function>
bool find_function(const lt_source &source, const char *name, Function *function) {
    void *found = source.find(source.context, name);
    memcpy(function, &found, sizeof found);
    return found != NULL;
}

/* A matrix as the library sees it, and whether the product takes its transpose. */
struct factor {
    size_t rows, columns;
    bool transposed;
};

struct product_form {
    factor first, second;
    size_t rows, columns; /* of the result */
    cublasLtEpilogue_t epilogue;
    cudaDataType_t result_type;
};

cudaDataType_t stored_type(ninp_cuda_math math) {
    return math == NINP_CUDA_BF16 ? CUDA_R_16BF : CUDA_R_32F;
}

product_form form_of(const lt_problem &problem) {
    const size_t inputs = (size_t)problem.inputs;
    const size_t outputs = (size_t)problem.outputs;
    const factor weights = {outputs, inputs, false};
    const cudaDataType_t type = stored_type(problem.math);
    switch (problem.pass) {
    case LT_FORWARD:
        return {weights,
                {inputs, problem.pixels, false},
                outputs,
                problem.pixels,
                problem.relu ? CUBLASLT_EPILOGUE_RELU_BIAS : CUBLASLT_EPILOGUE_BIAS,
                type};
    case LT_INPUT_GRADIENT:
        return {{outputs, inputs, true}, {outputs, problem.pixels, false}, inputs,
                problem.pixels,          CUBLASLT_EPILOGUE_DEFAULT,        type};
    default:
        return {{inputs, problem.pixels, false},
                {outputs, problem.pixels, true},
                inputs,
                outputs,
                CUBLASLT_EPILOGUE_BGRADB,
                CUDA_R_32F};
    }
}

template <typename T>
bool set(const lt_product &product, cublasLtMatmulDescAttributes_t attribute, const T &value) {
    return product.library->cublasLtMatmulDescSetAttribute(product.operation, attribute, &value,
                                                           sizeof value) == CUBLAS_STATUS_SUCCESS;
}

bool make_operation(lt_product &product, const lt_problem &problem, const product_form &form) {
    const cublasComputeType_t compute =
        problem.math == NINP_CUDA_TF32 ? CUBLAS_COMPUTE_32F_FAST_TF32 : CUBLAS_COMPUTE_32F;
    if (product.library->cublasLtMatmulDescCreate(&product.operation, compute, CUDA_R_32F) !=
        CUBLAS_STATUS_SUCCESS) {
        return false;
    }
    const cublasOperation_t first = form.first.transposed ? CUBLAS_OP_T : CUBLAS_OP_N;
    const cublasOperation_t second = form.second.transposed ? CUBLAS_OP_T : CUBLAS_OP_N;
    const int32_t vector_type = form.result_type;
    return set(product, CUBLASLT_MATMUL_DESC_TRANSA, first) &&
           set(product, CUBLASLT_MATMUL_DESC_TRANSB, second) &&
           set(product, CUBLASLT_MATMUL_DESC_EPILOGUE, form.epilogue) &&
           (form.epilogue == CUBLASLT_EPILOGUE_DEFAULT ||
            (set(product, CUBLASLT_MATMUL_DESC_BIAS_POINTER, problem.vector) &&
             set(product, CUBLASLT_MATMUL_DESC_BIAS_DATA_TYPE, vector_type)));
}

bool make_layout(const lt_library &library, cublasLtMatrixLayout_t *layout, cudaDataType_t type,
                 size_t rows, size_t columns) {
    return library.cublasLtMatrixLayoutCreate(layout, type, rows, columns, (int64_t)rows) ==
           CUBLAS_STATUS_SUCCESS;
}

/* No algorithm adds parts of sums in place, whose order changes from run to run. */
int find_algorithms(lt_product &product, size_t workspace_bytes) {
    const lt_library &library = *product.library;
    const uint32_t schemes =
        CUBLASLT_REDUCTION_SCHEME_COMPUTE_TYPE | CUBLASLT_REDUCTION_SCHEME_OUTPUT_TYPE;
    cublasLtMatmulPreference_t wish = NULL;
    int found = 0;
    if (library.cublasLtMatmulPreferenceCreate(&wish) != CUBLAS_STATUS_SUCCESS) {
        return 0;
    }
    if (library.cublasLtMatmulPreferenceSetAttribute(wish, CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES,
                                                     &workspace_bytes, sizeof workspace_bytes) !=
            CUBLAS_STATUS_SUCCESS ||
        library.cublasLtMatmulPreferenceSetAttribute(
            wish, CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK, &schemes, sizeof schemes) !=
            CUBLAS_STATUS_SUCCESS ||
        library.cublasLtMatmulAlgoGetHeuristic(library.handle, product.operation, product.first,
                                               product.second, product.result, product.result, wish,
                                               MOST_ALGORITHMS, product.algorithms,
                                               &found) != CUBLAS_STATUS_SUCCESS) {
        found = 0;
    }
    (void)library.cublasLtMatmulPreferenceDestroy(wish);
    return found;
}

bool fits_vectors(const lt_problem &problem) {
    const int values = problem.math == NINP_CUDA_BF16 ? 8 : 4; /* of 16 bytes */
    return problem.inputs % values == 0 && problem.outputs % values == 0;
}

} // namespace

lt_library *lt_open(const lt_source &source) {
    lt_library *library = static_cast<lt_library *>(calloc(1, sizeof *library));
    if (!library) {
        return NULL;
    }
    bool complete = true;
#define LT_FIND(function) \
    complete = complete && find_function(source, #function, &library->function);
    LT_FUNCTIONS(LT_FIND)
#undef LT_FIND
    if (!complete || library->cublasLtCreate(&library->handle) != CUBLAS_STATUS_SUCCESS) {
        free(library);
        return NULL;
    }
    return library;
}

void lt_close(lt_library *library) {
    if (library) {
        (void)library->cublasLtDestroy(library->handle);
        free(library);
    }
}

lt_product *lt_plan(lt_library *library, const lt_problem &problem, int *algorithms) {
    *algorithms = 0;
    lt_product *product =
        fits_vectors(problem) ? static_cast<lt_product *>(calloc(1, sizeof *product)) : NULL;
    if (!product) {
        return NULL;
    }
    const product_form form = form_of(problem);
    const cudaDataType_t type = stored_type(problem.math);
    product->library = library;
    product->swapped = problem.pass != LT_WEIGHT_GRADIENT;
    product->workspace_bytes = problem.workspace_bytes;
    if (make_operation(*product, problem, form) &&
        make_layout(*library, &product->first, type, form.first.rows, form.first.columns) &&
        make_layout(*library, &product->second, type, form.second.rows, form.second.columns) &&
        make_layout(*library, &product->result, form.result_type, form.rows, form.columns)) {
        *algorithms = find_algorithms(*product, problem.workspace_bytes);
    }
    if (*algorithms == 0) {
        lt_free(product);
        return NULL;
    }
    return product;
}

bool lt_run(const lt_product *product, int algorithm, const lt_arrays &arrays) {
    const float one = 1.0F;
    const float zero = 0.0F;
    return product->library->cublasLtMatmul(
               product->library->handle, product->operation, &one,
               product->swapped ? arrays.b : arrays.a, product->first,
               product->swapped ? arrays.a : arrays.b, product->second, &zero, arrays.result,
               product->result, arrays.result, product->result,
               &product->algorithms[algorithm].algo, arrays.workspace, product->workspace_bytes,
               static_cast<cudaStream_t>(arrays.stream)) == CUBLAS_STATUS_SUCCESS;
}

void lt_free(lt_product *product) {
    if (!product) {
        return;
    }
    const cublasLtMatrixLayout_t layouts[] = {product->first, product->second, product->result};
    for (cublasLtMatrixLayout_t layout : layouts) {
        if (layout) {
            (void)product->library->cublasLtMatrixLayoutDestroy(layout);
        }
    }
    if (product->operation) {
        (void)product->library->cublasLtMatmulDescDestroy(product->operation);
    }
    free(product);
}

} // namespace ninp_cuda

#else /* an emulated build without NVIDIA's headers: there is no such library */

namespace ninp_cuda {

lt_library *lt_open(const lt_source &) {
    return NULL;
}

void lt_close(lt_library *) {
}

lt_product *lt_plan(lt_library *, const lt_problem &, int *) {
    return NULL;
}

bool lt_run(const lt_product *, int, const lt_arrays &) {
    return false;
}

void lt_free(lt_product *) {
}

} // namespace ninp_cuda

#endif
