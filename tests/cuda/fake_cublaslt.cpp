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
    void *mask;
    int64_t mask_stride; /* bits */
};

struct layout {
    cudaDataType type;
    size_t rows, columns, stride;
};

int place; /* something that handles can point to */
enum { ALGORITHMS = 3 };
fake_cublaslt_counts counts;
bool masks = true;

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

template <typename T> cublasStatus_t set_value(T *to, const void *value, size_t size) {
    if (size != sizeof *to) {
        return CUBLAS_STATUS_INVALID_VALUE;
    }
    memcpy(to, value, size);
    return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t set_operation(cublasLtMatmulDesc_t made, cublasLtMatmulDescAttributes_t attribute,
                             const void *value, size_t size) {
    operation *of = reinterpret_cast<operation *>(made);
    switch (attribute) {
    case CUBLASLT_MATMUL_DESC_TRANSA: return set_value(&of->transposed[0], value, size);
    case CUBLASLT_MATMUL_DESC_TRANSB: return set_value(&of->transposed[1], value, size);
    case CUBLASLT_MATMUL_DESC_EPILOGUE: return set_value(&of->epilogue, value, size);
    case CUBLASLT_MATMUL_DESC_BIAS_POINTER: return set_value(&of->vector, value, size);
    case CUBLASLT_MATMUL_DESC_BIAS_DATA_TYPE: return set_value(&of->vector_type, value, size);
    case CUBLASLT_MATMUL_DESC_EPILOGUE_AUX_POINTER: return set_value(&of->mask, value, size);
    case CUBLASLT_MATMUL_DESC_EPILOGUE_AUX_LD: return set_value(&of->mask_stride, value, size);
    default: return CUBLAS_STATUS_INVALID_VALUE;
    }
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

/* Parts of cublasLtEpilogue_t. */
enum epilogue_part {
    MAKES_RELU = CUBLASLT_EPILOGUE_RELU,
    HAS_BIAS = CUBLASLT_EPILOGUE_BIAS,
    DERIVES_RELU = 8,
    SUMS_RESULT = 16,
    HAS_MASK = 128,
    SUMS_SECOND = CUBLASLT_EPILOGUE_BGRADB
};

bool has(const operation &of, epilogue_part part) {
    return ((int)of.epilogue & (int)part) != 0;
}

/* What the header asks of the epilogues' attributes: vectors in the type of the result; masks whose
 * columns are a multiple of 128 bits, no fewer than the rows. */
bool fits(const operation &of, const layout &result) {
    const bool vector = has(of, HAS_BIAS) || has(of, SUMS_RESULT) || has(of, SUMS_SECOND);
    if (vector && (!of.vector || of.vector_type != (int32_t)result.type)) {
        return false;
    }
    return !has(of, HAS_MASK) || (masks && of.mask && of.mask_stride % 128 == 0 &&
                                  of.mask_stride >= (int64_t)result.rows);
}

cublasStatus_t propose(cublasLtHandle_t, cublasLtMatmulDesc_t made, cublasLtMatrixLayout_t,
                       cublasLtMatrixLayout_t, cublasLtMatrixLayout_t,
                       cublasLtMatrixLayout_t d_made, cublasLtMatmulPreference_t, int wanted,
                       cublasLtMatmulHeuristicResult_t *results, int *found) {
    *found = 0;
    if (!fits(*reinterpret_cast<operation *>(made), *reinterpret_cast<layout *>(d_made))) {
        return CUBLAS_STATUS_NOT_SUPPORTED;
    }
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

/* The mask's bit of a value of the result. */
struct mask_bit {
    unsigned char *byte;
    unsigned char bit;
};

mask_bit bit_of(const operation &of, size_t row, size_t column) {
    const size_t number = column * (size_t)of.mask_stride + row;
    return {static_cast<unsigned char *>(of.mask) + number / 8, (unsigned char)(1 << number % 8)};
}

/* A value of the product as the epilogue leaves it. NaN stays NaN, and passes through a mask. */
float finished(const operation &of, size_t row, size_t column, float sum) {
    const mask_bit mask = has(of, HAS_MASK) ? bit_of(of, row, column) : mask_bit{};
    if (has(of, DERIVES_RELU)) {
        return (*mask.byte & mask.bit) != 0 ? sum : 0.0F;
    }
    const float value =
        has(of, HAS_BIAS) ? sum + read_value((cudaDataType)of.vector_type, of.vector, row) : sum;
    if (!has(of, MAKES_RELU)) {
        return value;
    }
    const bool passes = !(value <= 0.0F);
    if (mask.byte) {
        *mask.byte = (unsigned char)(passes ? *mask.byte | mask.bit : *mask.byte & ~mask.bit);
    }
    return passes ? value : 0.0F;
}

/* Two matrices as a product takes them. */
struct factors {
    const layout *first, *second;
    const void *a, *b;
    bool first_turned, second_turned;
    size_t depth;
};

float value_of_product(const factors &of, size_t row, size_t column) {
    double sum = 0.0;
    for (size_t k = 0; k < of.depth; k++) {
        sum += (double)factor_value(*of.first, of.a, of.first_turned, row, k) *
               (double)factor_value(*of.second, of.b, of.second_turned, k, column);
    }
    return (float)sum;
}

/* Sums of the second factor's columns. */
void sum_second(const operation &of, const factors &from, size_t columns) {
    for (size_t column = 0; column < columns; column++) {
        double sum = 0.0;
        for (size_t k = 0; k < from.depth; k++) {
            sum += (double)factor_value(*from.second, from.b, from.second_turned, k, column);
        }
        write_value((cudaDataType)of.vector_type, of.vector, column, (float)sum);
    }
}

void compute(const operation &of, const factors &from, const layout &result, void *d) {
    for (size_t row = 0; row < result.rows; row++) {
        double sum = 0.0; /* of a row of the result */
        for (size_t column = 0; column < result.columns; column++) {
            const float value = finished(of, row, column, value_of_product(from, row, column));
            write_value(result.type, d, row + column * result.stride, value);
            sum += (double)value;
        }
        if (has(of, SUMS_RESULT)) {
            write_value((cudaDataType)of.vector_type, of.vector, row, (float)sum);
        }
    }
    if (has(of, SUMS_SECOND)) {
        sum_second(of, from, result.columns);
    }
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
        result.columns != (second_turned ? second.rows : second.columns) || !fits(of, result)) {
        return CUBLAS_STATUS_NOT_SUPPORTED;
    }
    counts.by_algorithm[algorithm->data[0]]++;
    counts.masked += has(of, DERIVES_RELU);
    counts.bias_gradients += has(of, SUMS_RESULT) || has(of, SUMS_SECOND);
    compute(of, {&first, &second, a, b, first_turned, second_turned, depth}, result, d);
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

fake_cublaslt_counts fake_cublaslt_count(void) {
    return counts;
}

void fake_cublaslt_set_masks(bool supported) {
    masks = supported;
}
