/* Stands in for cuBLASLt on the processor: what its documentation says of the functions and
 * attributes that the plug-in uses, in plain loops. Of three algorithms it proposes, the first
 * never works. */
#include "cuda/fake_cublaslt.h"

#include <cublasLt.h>

#include <stdlib.h>
#include <string.h>

namespace {

struct operation {
    cublasOperation_t transposed[2];
    cublasLtEpilogue_t epilogue;
    void *vector;
    int32_t vector_type;
};

struct layout {
    cudaDataType type;
    size_t rows, columns, stride;
};

int place; /* something that handles can point to */
enum { ALGORITHMS = 3 };
int products[ALGORITHMS];

float read_value(cudaDataType type, const void *values, size_t index) {
    float value;
    if (type == CUDA_R_32F) {
        return static_cast<const float *>(values)[index];
    }
    const uint32_t bits = (uint32_t) static_cast<const uint16_t *>(values)[index] << 16;
    memcpy(&value, &bits, sizeof value);
    return value;
}

void write_value(cudaDataType type, void *values, size_t index, float value) {
    uint32_t bits;
    if (type == CUDA_R_32F) {
        static_cast<float *>(values)[index] = value;
        return;
    }
    memcpy(&bits, &value, sizeof bits);
    bits += 0x7fff + (bits >> 16 & 1);
    static_cast<uint16_t *>(values)[index] = (uint16_t)(bits >> 16);
}

cublasStatus_t create(cublasLtHandle_t *handle) {
    *handle = reinterpret_cast<cublasLtHandle_t>(&place);
    return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t destroy(cublasLtHandle_t) {
    return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t create_operation(cublasLtMatmulDesc_t *made, cublasComputeType_t, cudaDataType_t) {
    operation *fresh = new operation{};
    fresh->transposed[0] = fresh->transposed[1] = CUBLAS_OP_N;
    fresh->epilogue = CUBLASLT_EPILOGUE_DEFAULT;
    *made = reinterpret_cast<cublasLtMatmulDesc_t>(fresh);
    return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t destroy_operation(cublasLtMatmulDesc_t made) {
    delete reinterpret_cast<operation *>(made);
    return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t set_operation(cublasLtMatmulDesc_t made, cublasLtMatmulDescAttributes_t attribute,
                             const void *value, size_t size) {
    operation *of = reinterpret_cast<operation *>(made);
    switch (attribute) {
    case CUBLASLT_MATMUL_DESC_TRANSA: memcpy(&of->transposed[0], value, size); break;
    case CUBLASLT_MATMUL_DESC_TRANSB: memcpy(&of->transposed[1], value, size); break;
    case CUBLASLT_MATMUL_DESC_EPILOGUE: memcpy(&of->epilogue, value, size); break;
    case CUBLASLT_MATMUL_DESC_BIAS_POINTER: memcpy(&of->vector, value, size); break;
    case CUBLASLT_MATMUL_DESC_BIAS_DATA_TYPE: memcpy(&of->vector_type, value, size); break;
    default: return CUBLAS_STATUS_INVALID_VALUE;
    }
    return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t create_layout(cublasLtMatrixLayout_t *made, cudaDataType type, uint64_t rows,
                             uint64_t columns, int64_t stride) {
    *made = reinterpret_cast<cublasLtMatrixLayout_t>(
        new layout{type, (size_t)rows, (size_t)columns, (size_t)stride});
    return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t destroy_layout(cublasLtMatrixLayout_t made) {
    delete reinterpret_cast<layout *>(made);
    return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t create_preference(cublasLtMatmulPreference_t *made) {
    *made = reinterpret_cast<cublasLtMatmulPreference_t>(&place);
    return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t destroy_preference(cublasLtMatmulPreference_t) {
    return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t set_preference(cublasLtMatmulPreference_t, cublasLtMatmulPreferenceAttributes_t,
                              const void *, size_t) {
    return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t propose(cublasLtHandle_t, cublasLtMatmulDesc_t, cublasLtMatrixLayout_t,
                       cublasLtMatrixLayout_t, cublasLtMatrixLayout_t, cublasLtMatrixLayout_t,
                       cublasLtMatmulPreference_t, int wanted,
                       cublasLtMatmulHeuristicResult_t *results, int *found) {
    *found = wanted < ALGORITHMS ? wanted : ALGORITHMS;
    for (int i = 0; i < *found; i++) {
        results[i].algo.data[0] = (uint64_t)i;
    }
    return CUBLAS_STATUS_SUCCESS;
}

/* Value (row, column) of op(matrix). */
float factor_value(const layout &of, const void *values, bool transposed, size_t row,
                   size_t column) {
    const size_t index = transposed ? column + row * of.stride : row + column * of.stride;
    return read_value(of.type, values, index);
}

float finished(const operation &of, size_t row, float sum) {
    const bool bias =
        of.epilogue == CUBLASLT_EPILOGUE_BIAS || of.epilogue == CUBLASLT_EPILOGUE_RELU_BIAS;
    const float value = bias ? sum + read_value((cudaDataType)of.vector_type, of.vector, row) : sum;
    return of.epilogue == CUBLASLT_EPILOGUE_RELU_BIAS && value < 0.0F ? 0.0F : value;
}

cublasStatus_t multiply(cublasLtHandle_t, cublasLtMatmulDesc_t made, const void *, const void *a,
                        cublasLtMatrixLayout_t a_made, const void *b, cublasLtMatrixLayout_t b_made,
                        const void *, const void *, cublasLtMatrixLayout_t, void *d,
                        cublasLtMatrixLayout_t d_made, const cublasLtMatmulAlgo_t *algorithm,
                        void *, size_t, cudaStream_t) {
    const operation &of = *reinterpret_cast<operation *>(made);
    const layout &first = *reinterpret_cast<layout *>(a_made);
    const layout &second = *reinterpret_cast<layout *>(b_made);
    const layout &result = *reinterpret_cast<layout *>(d_made);
    const bool first_turned = of.transposed[0] == CUBLAS_OP_T;
    const bool second_turned = of.transposed[1] == CUBLAS_OP_T;
    const size_t depth = first_turned ? first.rows : first.columns;
    if (algorithm->data[0] == 0 || depth != (second_turned ? second.columns : second.rows) ||
        result.rows != (first_turned ? first.columns : first.rows) ||
        result.columns != (second_turned ? second.rows : second.columns)) {
        return CUBLAS_STATUS_NOT_SUPPORTED;
    }
    products[algorithm->data[0]]++;
    for (size_t column = 0; column < result.columns; column++) {
        double vector_sum = 0.0;
        for (size_t row = 0; row < result.rows; row++) {
            double sum = 0.0;
            vector_sum = 0.0;
            for (size_t k = 0; k < depth; k++) {
                const float right = factor_value(second, b, second_turned, k, column);
                sum += (double)factor_value(first, a, first_turned, row, k) * (double)right;
                vector_sum += (double)right;
            }
            write_value(result.type, d, row + column * result.stride,
                        finished(of, row, (float)sum));
        }
        if (of.epilogue == CUBLASLT_EPILOGUE_BGRADB) {
            write_value((cudaDataType)of.vector_type, of.vector, column, (float)vector_sum);
        }
    }
    return CUBLAS_STATUS_SUCCESS;
}

struct named {
    const char *name;
    void *function;
};

} // namespace

void *fake_cublaslt_find(const char *name) {
    static const named functions[] = {
        {"cublasLtCreate", (void *)create},
        {"cublasLtDestroy", (void *)destroy},
        {"cublasLtMatmul", (void *)multiply},
        {"cublasLtMatmulAlgoGetHeuristic", (void *)propose},
        {"cublasLtMatmulDescCreate", (void *)create_operation},
        {"cublasLtMatmulDescDestroy", (void *)destroy_operation},
        {"cublasLtMatmulDescSetAttribute", (void *)set_operation},
        {"cublasLtMatmulPreferenceCreate", (void *)create_preference},
        {"cublasLtMatmulPreferenceDestroy", (void *)destroy_preference},
        {"cublasLtMatmulPreferenceSetAttribute", (void *)set_preference},
        {"cublasLtMatrixLayoutCreate", (void *)create_layout},
        {"cublasLtMatrixLayoutDestroy", (void *)destroy_layout},
    };
    for (const named &function : functions) {
        if (strcmp(function.name, name) == 0) {
            return function.function;
        }
    }
    return NULL;
}

int fake_cublaslt_products(void) {
    int all = 0;
    for (int number : products) {
        all += number;
    }
    return all;
}

int fake_cublaslt_products_by(int algorithm) {
    return products[algorithm];
}
