/* Stands in for cuDNN on the processor: what its documentation says of the descriptors that the
 * plug-in uses, in plain loops. Of two engines it proposes, the first one adds in changing order
 * and must not be taken. */
#include "cuda/fake_cudnn.h"

#include <cudnn.h>
#include <cudnn_backend.h>

#include <stdint.h>
#include <string.h>

#include <map>
#include <vector>

namespace {

struct descriptor {
    cudnnBackendDescriptorType_t type;
    std::map<int, std::vector<unsigned char>> attributes;
    bool finished;
};

int place; /* something that the handle can point to */
int graphs;

descriptor *of(cudnnBackendDescriptor_t made) {
    return static_cast<descriptor *>(made);
}

/* Values of an attribute. */
template <typename T> std::vector<T> values(const descriptor *from, int name) {
    const auto found = from->attributes.find(name);
    std::vector<T> read;
    if (found != from->attributes.end()) {
        read.resize(found->second.size() / sizeof(T));
        memcpy(read.data(), found->second.data(), read.size() * sizeof(T));
    }
    return read;
}

template <typename T> T value(const descriptor *from, int name) {
    return values<T>(from, name).at(0);
}

const descriptor *part(const descriptor *from, int name) {
    return value<const descriptor *>(from, name);
}

/* A tensor and where it lies. */
struct tensor {
    std::vector<int64_t> sizes, strides;
    cudnnDataType_t type;
    unsigned char *place;

    size_t index(int64_t n, int64_t c, int64_t h, int64_t w) const {
        return (size_t)((sizes[0] == 1 ? 0 : n) * strides[0] + c * strides[1] +
                        (sizes[2] == 1 ? 0 : h) * strides[2] +
                        (sizes[3] == 1 ? 0 : w) * strides[3]);
    }

    float read(size_t at) const {
        float read;
        if (type == CUDNN_DATA_FLOAT) {
            memcpy(&read, place + at * 4, sizeof read);
            return read;
        }
        uint16_t half;
        memcpy(&half, place + at * 2, sizeof half);
        const uint32_t bits = (uint32_t)half << 16;
        memcpy(&read, &bits, sizeof read);
        return read;
    }

    void write(size_t at, float written) const {
        uint32_t bits;
        if (type == CUDNN_DATA_FLOAT) {
            memcpy(place + at * 4, &written, sizeof written);
            return;
        }
        memcpy(&bits, &written, sizeof bits);
        bits += 0x7fff + (bits >> 16 & 1);
        const uint16_t half = (uint16_t)(bits >> 16);
        memcpy(place + at * 2, &half, sizeof half);
    }
};

/* One execution: arrays by the numbers of tensors. */
struct execution {
    std::map<int64_t, unsigned char *> places;
    std::vector<std::vector<unsigned char>> inner;

    tensor find(const descriptor *made) {
        tensor found;
        found.sizes = values<int64_t>(made, CUDNN_ATTR_TENSOR_DIMENSIONS);
        found.strides = values<int64_t>(made, CUDNN_ATTR_TENSOR_STRIDES);
        found.type = value<cudnnDataType_t>(made, CUDNN_ATTR_TENSOR_DATA_TYPE);
        const int64_t number = value<int64_t>(made, CUDNN_ATTR_TENSOR_UNIQUE_ID);
        if (value<unsigned char>(made, CUDNN_ATTR_TENSOR_IS_VIRTUAL) && !places.count(number)) {
            inner.emplace_back((size_t)(found.sizes[0] * found.strides[0]) * 4);
            places[number] = inner.back().data();
        }
        found.place = places.at(number);
        return found;
    }
};

struct window {
    std::vector<int64_t> strides, paddings;
};

/* Calls visit(x index, w index, y index) for every product of a convolution. */
template <typename Visit>
void each_product(const window &over, const tensor &x, const tensor &w, const tensor &y,
                  const Visit &visit) {
    for (int64_t n = 0; n < y.sizes[0]; n++) {
        for (int64_t k = 0; k < y.sizes[1]; k++) {
            for (int64_t pixel = 0; pixel < y.sizes[2] * y.sizes[3]; pixel++) {
                const int64_t p = pixel / y.sizes[3];
                const int64_t q = pixel % y.sizes[3];
                for (int64_t tap = 0; tap < w.sizes[1] * w.sizes[2] * w.sizes[3]; tap++) {
                    const int64_t c = tap / (w.sizes[2] * w.sizes[3]);
                    const int64_t r = tap / w.sizes[3] % w.sizes[2];
                    const int64_t s = tap % w.sizes[3];
                    const int64_t h = p * over.strides[0] - over.paddings[0] + r;
                    const int64_t v = q * over.strides[1] - over.paddings[1] + s;
                    if (h >= 0 && v >= 0 && h < x.sizes[2] && v < x.sizes[3]) {
                        visit(x.index(n, c, h, v), w.index(k, c, r, s), y.index(n, k, p, q));
                    }
                }
            }
        }
    }
}

/* Which of its three tensors a convolution computes, and the names of all. */
struct convolution_names {
    int convolution, x, w, y;
};

void convolve(execution &on, const descriptor *operation, const convolution_names &names,
              int computed) {
    const descriptor *conv = part(operation, names.convolution);
    const window over = {values<int64_t>(conv, CUDNN_ATTR_CONVOLUTION_FILTER_STRIDES),
                         values<int64_t>(conv, CUDNN_ATTR_CONVOLUTION_PRE_PADDINGS)};
    const tensor tensors[3] = {on.find(part(operation, names.x)), on.find(part(operation, names.w)),
                               on.find(part(operation, names.y))};
    const tensor &result = tensors[computed];
    const int64_t count = result.sizes[0] * result.strides[0];
    std::vector<double> sums((size_t)count, 0.0);
    each_product(over, tensors[0], tensors[1], tensors[2], [&](size_t x, size_t w, size_t y) {
        const size_t at[3] = {x, w, y};
        const int first = computed == 0 ? 1 : 0;
        const int second = computed == 2 ? 1 : 2;
        sums[at[computed]] +=
            (double)tensors[first].read(at[first]) * (double)tensors[second].read(at[second]);
    });
    for (size_t i = 0; i < sums.size(); i++) {
        result.write(i, (float)sums[i]);
    }
}

void map_values(execution &on, const descriptor *operation) {
    const descriptor *what = part(operation, CUDNN_ATTR_OPERATION_POINTWISE_PW_DESCRIPTOR);
    const bool add =
        value<cudnnPointwiseMode_t>(what, CUDNN_ATTR_POINTWISE_MODE) == CUDNN_POINTWISE_ADD;
    const tensor x = on.find(part(operation, CUDNN_ATTR_OPERATION_POINTWISE_XDESC));
    const tensor y = on.find(part(operation, CUDNN_ATTR_OPERATION_POINTWISE_YDESC));
    const tensor b =
        add ? on.find(part(operation, CUDNN_ATTR_OPERATION_POINTWISE_BDESC)) : tensor{};
    for (int64_t n = 0; n < y.sizes[0]; n++) {
        for (int64_t c = 0; c < y.sizes[1]; c++) {
            for (int64_t pixel = 0; pixel < y.sizes[2] * y.sizes[3]; pixel++) {
                const int64_t h = pixel / y.sizes[3];
                const int64_t w = pixel % y.sizes[3];
                const float from = x.read(x.index(n, c, h, w));
                const float to =
                    add ? from + b.read(b.index(n, c, h, w)) : (from < 0.0F ? 0.0F : from);
                y.write(y.index(n, c, h, w), to);
            }
        }
    }
}

cudnnStatus_t create(cudnnHandle_t *handle) {
    *handle = reinterpret_cast<cudnnHandle_t>(&place);
    return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t destroy(cudnnHandle_t) {
    return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t set_stream(cudnnHandle_t, cudaStream_t) {
    return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t create_descriptor(cudnnBackendDescriptorType_t type, cudnnBackendDescriptor_t *made) {
    *made = new descriptor{type, {}, false};
    return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t destroy_descriptor(cudnnBackendDescriptor_t made) {
    delete of(made);
    return CUDNN_STATUS_SUCCESS;
}

size_t size_of(cudnnBackendAttributeType_t type) {
    switch (type) {
    case CUDNN_TYPE_BOOLEAN: return sizeof(bool);
    case CUDNN_TYPE_DATA_TYPE:
    case CUDNN_TYPE_CONVOLUTION_MODE:
    case CUDNN_TYPE_HEUR_MODE:
    case CUDNN_TYPE_NUMERICAL_NOTE:
    case CUDNN_TYPE_POINTWISE_MODE:
    case CUDNN_TYPE_FLOAT: return 4;
    default: return 8;
    }
}

cudnnStatus_t set_attribute(cudnnBackendDescriptor_t made, cudnnBackendAttributeName_t name,
                            cudnnBackendAttributeType_t type, int64_t count, const void *from) {
    const unsigned char *bytes = static_cast<const unsigned char *>(from);
    of(made)->attributes[name].assign(bytes, bytes + (size_t)count * size_of(type));
    return of(made)->finished ? CUDNN_STATUS_NOT_INITIALIZED : CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t finish(cudnnBackendDescriptor_t made) {
    of(made)->finished = true;
    return CUDNN_STATUS_SUCCESS;
}

/* Its number among the proposed engines, and the graph it is for, are attributes of a
 * configuration that nobody else uses. */
enum { NUMBER = 100000, GRAPH };

void set_private(descriptor *to, int name, const void *from, size_t size) {
    const unsigned char *bytes = static_cast<const unsigned char *>(from);
    to->attributes[name].assign(bytes, bytes + size);
}

cudnnStatus_t get_attribute(cudnnBackendDescriptor_t made, cudnnBackendAttributeName_t name,
                            cudnnBackendAttributeType_t, int64_t, int64_t *count, void *to) {
    const descriptor *from = of(made);
    cudnnBackendDescriptor_t *descriptors = static_cast<cudnnBackendDescriptor_t *>(to);
    *count = 1;
    if (name == CUDNN_ATTR_ENGINEHEUR_RESULTS) {
        const descriptor *graph = part(from, CUDNN_ATTR_ENGINEHEUR_OPERATION_GRAPH);
        *count = 2;
        for (int64_t i = 0; i < *count; i++) {
            set_private(of(descriptors[i]), NUMBER, &i, sizeof i);
            set_private(of(descriptors[i]), GRAPH, &graph, sizeof graph);
        }
    } else if (name == CUDNN_ATTR_ENGINECFG_ENGINE) {
        const int64_t number = value<int64_t>(from, NUMBER);
        set_private(of(descriptors[0]), NUMBER, &number, sizeof number);
    } else if (name == CUDNN_ATTR_ENGINE_NUMERICAL_NOTE) {
        const cudnnBackendNumericalNote_t note = value<int64_t>(from, NUMBER) == 0
                                                     ? CUDNN_NUMERICAL_NOTE_NONDETERMINISTIC
                                                     : CUDNN_NUMERICAL_NOTE_WINOGRAD;
        memcpy(to, &note, sizeof note);
    } else if (name == CUDNN_ATTR_EXECUTION_PLAN_WORKSPACE_SIZE) {
        const int64_t bytes = 1 << 20;
        memcpy(to, &bytes, sizeof bytes);
    } else {
        return CUDNN_STATUS_NOT_SUPPORTED;
    }
    return CUDNN_STATUS_SUCCESS;
}

void run_operation(execution &on, const descriptor *operation) {
    static const convolution_names forward = {CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_CONV_DESC,
                                              CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_X,
                                              CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_W,
                                              CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_Y};
    static const convolution_names data = {CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_CONV_DESC,
                                           CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_DX,
                                           CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_W,
                                           CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_DY};
    static const convolution_names filter = {CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_CONV_DESC,
                                             CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_X,
                                             CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_DW,
                                             CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_DY};
    switch (operation->type) {
    case CUDNN_BACKEND_OPERATION_CONVOLUTION_FORWARD_DESCRIPTOR:
        convolve(on, operation, forward, 2);
        break;
    case CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_DATA_DESCRIPTOR:
        convolve(on, operation, data, 0);
        break;
    case CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_FILTER_DESCRIPTOR:
        convolve(on, operation, filter, 1);
        break;
    default: map_values(on, operation); break;
    }
}

cudnnStatus_t execute(cudnnHandle_t, cudnnBackendDescriptor_t plan,
                      cudnnBackendDescriptor_t variant) {
    const descriptor *engine = part(of(plan), CUDNN_ATTR_EXECUTION_PLAN_ENGINE_CONFIG);
    const std::vector<int64_t> numbers =
        values<int64_t>(of(variant), CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS);
    const std::vector<unsigned char *> places =
        values<unsigned char *>(of(variant), CUDNN_ATTR_VARIANT_PACK_DATA_POINTERS);
    if (value<int64_t>(engine, NUMBER) == 0) {
        return CUDNN_STATUS_SUCCESS; /* whoever takes it gets nothing */
    }
    execution on;
    for (size_t i = 0; i < numbers.size(); i++) {
        on.places[numbers[i]] = places[i];
    }
    for (const descriptor *operation :
         values<const descriptor *>(part(engine, GRAPH), CUDNN_ATTR_OPERATIONGRAPH_OPS)) {
        run_operation(on, operation);
    }
    graphs++;
    return CUDNN_STATUS_SUCCESS;
}

struct named {
    const char *name;
    void *function;
};

} // namespace

void *fake_cudnn_find(const char *name) {
    static const named functions[] = {
        {"cudnnCreate", (void *)create},
        {"cudnnDestroy", (void *)destroy},
        {"cudnnSetStream", (void *)set_stream},
        {"cudnnBackendCreateDescriptor", (void *)create_descriptor},
        {"cudnnBackendDestroyDescriptor", (void *)destroy_descriptor},
        {"cudnnBackendSetAttribute", (void *)set_attribute},
        {"cudnnBackendGetAttribute", (void *)get_attribute},
        {"cudnnBackendFinalize", (void *)finish},
        {"cudnnBackendExecute", (void *)execute},
    };
    for (const named &function : functions) {
        if (strcmp(function.name, name) == 0) {
            return function.function;
        }
    }
    return NULL;
}

int fake_cudnn_graphs(void) {
    return graphs;
}
