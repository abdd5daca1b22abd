/* cuBLASLt thinks in columns: a row-major matrix of rows x columns is to it a matrix of columns x
 * rows. So with X (C x pixels), Y (K x pixels) and W (K x C) as it sees them:
 *
 *     Y = W X + bias        dX = W^T dY        dW (C x K) = X dY^T, and the sums of dY's rows
 *
 * With a mask, Y's ReLU leaves its bits, and dX is multiplied by those of what gave X; then the
 * sums of dX's rows, a bias gradient, can come with it. The library gives that vector in the type
 * of dX, so it is asked for where that is floats. */
#include "cuda/plugin/cublaslt.h"

#if __has_include(<cublasLt.h>)
#include <cublasLt.h>

#include <new>

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

namespace {

class lt_product : public product {
  public:
    explicit lt_product(const lt_library *from)
        : product("cublaslt"), library(from), operation(NULL), first(NULL), second(NULL),
          result(NULL), swapped(false), workspace_bytes(0) {
    }
    ~lt_product() override;
    bool run(int algorithm, const product_arrays &arrays) const override;

    const lt_library *library;
    cublasLtMatmulDesc_t operation;
    cublasLtMatrixLayout_t first, second, result;
    bool swapped; /* the right array is the first factor */
    size_t workspace_bytes;
    cublasLtMatmulHeuristicResult_t found[MOST_ALGORITHMS];
};

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

cublasLtEpilogue_t epilogue_of(const product_problem &problem) {
    switch (problem.pass) {
    case PASS_FORWARD:
        if (!problem.relu) {
            return CUBLASLT_EPILOGUE_BIAS;
        }
        return problem.mask ? CUBLASLT_EPILOGUE_RELU_AUX_BIAS : CUBLASLT_EPILOGUE_RELU_BIAS;
    case PASS_INPUT_GRADIENT:
        if (!problem.mask) {
            return CUBLASLT_EPILOGUE_DEFAULT;
        }
        return problem.vector ? CUBLASLT_EPILOGUE_DRELU_BGRAD : CUBLASLT_EPILOGUE_DRELU;
    default: return problem.vector ? CUBLASLT_EPILOGUE_BGRADB : CUBLASLT_EPILOGUE_DEFAULT;
    }
}

product_form form_of(const product_problem &problem) {
    const size_t inputs = (size_t)problem.input.channels;
    const size_t outputs = (size_t)problem.output.channels;
    const size_t pixels =
        (size_t)problem.count * (size_t)problem.output.height * (size_t)problem.output.width;
    const factor weights = {outputs, inputs, false};
    const cudaDataType_t type = stored_type(problem.math);
    const cublasLtEpilogue_t epilogue = epilogue_of(problem);
    switch (problem.pass) {
    case PASS_FORWARD: return {weights, {inputs, pixels, false}, outputs, pixels, epilogue, type};
    case PASS_INPUT_GRADIENT:
        return {{outputs, inputs, true}, {outputs, pixels, false}, inputs, pixels, epilogue, type};
    default:
        return {{inputs, pixels, false},
                {outputs, pixels, true},
                inputs,
                outputs,
                epilogue,
                CUDA_R_32F};
    }
}

template <typename T>
bool set(const lt_product &of, cublasLtMatmulDescAttributes_t attribute, const T &value) {
    return of.library->cublasLtMatmulDescSetAttribute(of.operation, attribute, &value,
                                                      sizeof value) == CUBLAS_STATUS_SUCCESS;
}

bool make_operation(lt_product &of, const product_problem &problem, const product_form &form) {
    const cublasComputeType_t compute =
        problem.math == NINP_CUDA_TF32 ? CUBLAS_COMPUTE_32F_FAST_TF32 : CUBLAS_COMPUTE_32F;
    if (of.library->cublasLtMatmulDescCreate(&of.operation, compute, CUDA_R_32F) !=
        CUBLAS_STATUS_SUCCESS) {
        return false;
    }
    const cublasOperation_t first = form.first.transposed ? CUBLAS_OP_T : CUBLAS_OP_N;
    const cublasOperation_t second = form.second.transposed ? CUBLAS_OP_T : CUBLAS_OP_N;
    const int32_t vector_type = form.result_type;
    const int64_t mask_stride = (int64_t)mask_bits((int)form.rows);
    return set(of, CUBLASLT_MATMUL_DESC_TRANSA, first) &&
           set(of, CUBLASLT_MATMUL_DESC_TRANSB, second) &&
           set(of, CUBLASLT_MATMUL_DESC_EPILOGUE, form.epilogue) &&
           (!problem.vector || (set(of, CUBLASLT_MATMUL_DESC_BIAS_POINTER, problem.vector) &&
                                set(of, CUBLASLT_MATMUL_DESC_BIAS_DATA_TYPE, vector_type))) &&
           (!problem.mask || (set(of, CUBLASLT_MATMUL_DESC_EPILOGUE_AUX_POINTER, problem.mask) &&
                              set(of, CUBLASLT_MATMUL_DESC_EPILOGUE_AUX_LD, mask_stride)));
}

bool make_layout(const lt_library &library, cublasLtMatrixLayout_t *layout, cudaDataType_t type,
                 size_t rows, size_t columns) {
    return library.cublasLtMatrixLayoutCreate(layout, type, rows, columns, (int64_t)rows) ==
           CUBLAS_STATUS_SUCCESS;
}

/* No algorithm adds parts of sums in place, whose order changes from run to run. */
int find_algorithms(lt_product &of, size_t workspace_bytes) {
    const lt_library &library = *of.library;
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
        library.cublasLtMatmulAlgoGetHeuristic(library.handle, of.operation, of.first, of.second,
                                               of.result, of.result, wish, MOST_ALGORITHMS,
                                               of.found, &found) != CUBLAS_STATUS_SUCCESS) {
        found = 0;
    }
    (void)library.cublasLtMatmulPreferenceDestroy(wish);
    return found;
}

lt_product::~lt_product() {
    const cublasLtMatrixLayout_t layouts[] = {first, second, result};
    for (cublasLtMatrixLayout_t layout : layouts) {
        if (layout) {
            (void)library->cublasLtMatrixLayoutDestroy(layout);
        }
    }
    if (operation) {
        (void)library->cublasLtMatmulDescDestroy(operation);
    }
}

bool lt_product::run(int algorithm, const product_arrays &arrays) const {
    const float one = 1.0F;
    const float zero = 0.0F;
    return library->cublasLtMatmul(
               library->handle, operation, &one, swapped ? arrays.right : arrays.left, first,
               swapped ? arrays.left : arrays.right, second, &zero, arrays.result, result,
               arrays.result, result, &found[algorithm].algo, arrays.workspace, workspace_bytes,
               static_cast<cudaStream_t>(arrays.stream)) == CUBLAS_STATUS_SUCCESS;
}

} // namespace

lt_library *lt_open(const function_source &source) {
    lt_library *library = new (std::nothrow) lt_library();
    if (!library) {
        return NULL;
    }
    bool complete = true;
#define LT_FIND(function) \
    complete = complete && find_function(source, #function, &library->function);
    LT_FUNCTIONS(LT_FIND)
#undef LT_FIND
    if (!complete || library->cublasLtCreate(&library->handle) != CUBLAS_STATUS_SUCCESS) {
        delete library;
        return NULL;
    }
    return library;
}

void lt_close(lt_library *library) {
    if (library) {
        (void)library->cublasLtDestroy(library->handle);
        delete library;
    }
}

product *lt_plan(const lt_library *library, const product_problem &problem) {
    const bool one_pixel = is_one_pixel(problem.kernel, problem.stride, problem.padding);
    lt_product *made = one_pixel ? new (std::nothrow) lt_product(library) : NULL;
    if (!made) {
        return NULL;
    }
    const product_form form = form_of(problem);
    const cudaDataType_t type = stored_type(problem.math);
    made->swapped = problem.pass != PASS_WEIGHT_GRADIENT;
    made->workspace_bytes = problem.workspace_bytes;
    if (make_operation(*made, problem, form) &&
        make_layout(*library, &made->first, type, form.first.rows, form.first.columns) &&
        make_layout(*library, &made->second, type, form.second.rows, form.second.columns) &&
        make_layout(*library, &made->result, form.result_type, form.rows, form.columns)) {
        made->algorithms = find_algorithms(*made, problem.workspace_bytes);
    }
    if (made->algorithms == 0) {
        delete made;
        return NULL;
    }
    return made;
}

} // namespace ninp_cuda

#else /* a build without NVIDIA's headers: there is no such library */

namespace ninp_cuda {

lt_library *lt_open(const function_source &) {
    return NULL;
}

void lt_close(lt_library *) {
}

product *lt_plan(const lt_library *, const product_problem &) {
    return NULL;
}

} // namespace ninp_cuda

#endif
