#include "cuda/plugin/cudnn.h"

#if __has_include(<cudnn_backend.h>)
#include <cudnn.h>
#include <cudnn_backend.h>

#include <new>
#include <vector>

namespace ninp_cuda {

enum { MOST_ENGINES = 16 };

/* X(function): the library's functions that are used. */
#define DNN_FUNCTIONS(X)             \
    X(cudnnCreate)                   \
    X(cudnnDestroy)                  \
    X(cudnnSetStream)                \
    X(cudnnBackendCreateDescriptor)  \
    X(cudnnBackendDestroyDescriptor) \
    X(cudnnBackendSetAttribute)      \
    X(cudnnBackendGetAttribute)      \
    X(cudnnBackendFinalize)          \
    X(cudnnBackendExecute)

struct dnn_library {
#define DNN_POINTER(function) decltype(&::function) function;
    DNN_FUNCTIONS(DNN_POINTER)
#undef DNN_POINTER
    cudnnHandle_t handle;
};

namespace {

/* Numbers of tensors, by which a run finds their arrays. */
enum tensor_number : int64_t { INPUT = 1, FILTERS, OUTPUT, BIAS, SUMS, BIASED };

/* Makes descriptors, which live as long as this. After a failure `good` is false and everything
 * else does nothing. */
class descriptors {
  public:
    explicit descriptors(const dnn_library *from) : good(true), library(from) {
    }
    descriptors(const descriptors &) = delete;
    descriptors &operator=(const descriptors &) = delete;
    ~descriptors() {
        for (size_t i = made.size(); i-- > 0;) {
            (void)library->cudnnBackendDestroyDescriptor(made[i]);
        }
    }

    cudnnBackendDescriptor_t make(cudnnBackendDescriptorType_t type) {
        cudnnBackendDescriptor_t fresh = NULL;
        check(library->cudnnBackendCreateDescriptor(type, &fresh));
        if (good) {
            made.push_back(fresh);
        }
        return fresh;
    }

    template <typename T>
    void set(cudnnBackendDescriptor_t of, cudnnBackendAttributeName_t name,
             cudnnBackendAttributeType_t type, const T *values, int64_t count) {
        if (good) {
            check(library->cudnnBackendSetAttribute(of, name, type, count, values));
        }
    }

    template <typename T>
    void set(cudnnBackendDescriptor_t of, cudnnBackendAttributeName_t name,
             cudnnBackendAttributeType_t type, const T &value) {
        set(of, name, type, &value, 1);
    }

    void finish(cudnnBackendDescriptor_t of) {
        if (good) {
            check(library->cudnnBackendFinalize(of));
        }
    }

    bool good;

  private:
    void check(cudnnStatus_t status) {
        good = good && status == CUDNN_STATUS_SUCCESS;
    }

    const dnn_library *library;
    std::vector<cudnnBackendDescriptor_t> made;
};

class dnn_product : public product {
  public:
    explicit dnn_product(const dnn_library *from)
        : product("cudnn"), library(from), parts(from), pass(PASS_FORWARD), bias(NULL) {
    }
    ~dnn_product() override {
        for (cudnnBackendDescriptor_t plan : plans) {
            (void)library->cudnnBackendDestroyDescriptor(plan);
        }
    }
    bool run(int algorithm, const product_arrays &arrays) const override;

    const dnn_library *library;
    descriptors parts;
    product_pass pass;
    void *bias;
    std::vector<cudnnBackendDescriptor_t> plans;
};

/* A tensor of four dimensions whose second one lies closest together in memory. */
struct tensor_form {
    tensor_number number;
    cudnnDataType_t type;
    int64_t sizes[4];
    bool inside; /* lives inside the graph only */
};

cudnnBackendDescriptor_t make_tensor(descriptors &parts, const tensor_form &form) {
    const int64_t *size = form.sizes;
    const int64_t strides[4] = {size[1] * size[2] * size[3], 1, size[1] * size[3], size[1]};
    const int64_t alignment = 16;
    cudnnBackendDescriptor_t tensor = parts.make(CUDNN_BACKEND_TENSOR_DESCRIPTOR);
    parts.set(tensor, CUDNN_ATTR_TENSOR_DATA_TYPE, CUDNN_TYPE_DATA_TYPE, form.type);
    parts.set(tensor, CUDNN_ATTR_TENSOR_DIMENSIONS, CUDNN_TYPE_INT64, form.sizes, 4);
    parts.set(tensor, CUDNN_ATTR_TENSOR_STRIDES, CUDNN_TYPE_INT64, strides, 4);
    parts.set(tensor, CUDNN_ATTR_TENSOR_UNIQUE_ID, CUDNN_TYPE_INT64, (int64_t)form.number);
    parts.set(tensor, CUDNN_ATTR_TENSOR_BYTE_ALIGNMENT, CUDNN_TYPE_INT64, alignment);
    parts.set(tensor, CUDNN_ATTR_TENSOR_IS_VIRTUAL, CUDNN_TYPE_BOOLEAN, form.inside);
    parts.finish(tensor);
    return tensor;
}

cudnnDataType_t stored_type(ninp_cuda_math math) {
    return math == NINP_CUDA_BF16 ? CUDNN_DATA_BFLOAT16 : CUDNN_DATA_FLOAT;
}

tensor_form picture_form(const product_problem &problem, tensor_number number, nin_shape shape) {
    return {number,
            stored_type(problem.math),
            {problem.count, shape.channels, shape.height, shape.width},
            false};
}

tensor_form filter_form(const product_problem &problem) {
    const cudnnDataType_t type =
        problem.pass == PASS_WEIGHT_GRADIENT ? CUDNN_DATA_FLOAT : stored_type(problem.math);
    return {FILTERS,
            type,
            {problem.output.channels, problem.input.channels, problem.kernel, problem.kernel},
            false};
}

cudnnBackendDescriptor_t make_convolution(descriptors &parts, const product_problem &problem) {
    const int64_t dimensions = 2;
    const int64_t dilations[2] = {1, 1};
    const int64_t strides[2] = {problem.stride, problem.stride};
    const int64_t paddings[2] = {problem.padding, problem.padding};
    const cudnnDataType_t sums = CUDNN_DATA_FLOAT;
    const cudnnConvolutionMode_t mode = CUDNN_CROSS_CORRELATION;
    cudnnBackendDescriptor_t conv = parts.make(CUDNN_BACKEND_CONVOLUTION_DESCRIPTOR);
    parts.set(conv, CUDNN_ATTR_CONVOLUTION_COMP_TYPE, CUDNN_TYPE_DATA_TYPE, sums);
    parts.set(conv, CUDNN_ATTR_CONVOLUTION_CONV_MODE, CUDNN_TYPE_CONVOLUTION_MODE, mode);
    parts.set(conv, CUDNN_ATTR_CONVOLUTION_SPATIAL_DIMS, CUDNN_TYPE_INT64, dimensions);
    parts.set(conv, CUDNN_ATTR_CONVOLUTION_DILATIONS, CUDNN_TYPE_INT64, dilations, 2);
    parts.set(conv, CUDNN_ATTR_CONVOLUTION_FILTER_STRIDES, CUDNN_TYPE_INT64, strides, 2);
    parts.set(conv, CUDNN_ATTR_CONVOLUTION_PRE_PADDINGS, CUDNN_TYPE_INT64, paddings, 2);
    parts.set(conv, CUDNN_ATTR_CONVOLUTION_POST_PADDINGS, CUDNN_TYPE_INT64, paddings, 2);
    parts.finish(conv);
    return conv;
}

/* The names of one pass's attributes. */
struct pass_names {
    cudnnBackendDescriptorType_t type;
    cudnnBackendAttributeName_t convolution, alpha, beta, input, filters, output;
};

const pass_names &names_of(product_pass pass) {
    static const pass_names names[PASSES] = {
        {CUDNN_BACKEND_OPERATION_CONVOLUTION_FORWARD_DESCRIPTOR,
         CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_CONV_DESC,
         CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_ALPHA,
         CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_BETA, CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_X,
         CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_W, CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_Y},
        {CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_DATA_DESCRIPTOR,
         CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_CONV_DESC,
         CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_ALPHA,
         CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_BETA,
         CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_DX, CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_W,
         CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_DY},
        {CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_FILTER_DESCRIPTOR,
         CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_CONV_DESC,
         CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_ALPHA,
         CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_BETA,
         CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_X,
         CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_DW,
         CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_DY},
    };
    return names[pass];
}

/* The convolution itself, on its way to `output`. */
cudnnBackendDescriptor_t make_pass(descriptors &parts, const product_problem &problem,
                                   cudnnBackendDescriptor_t output) {
    const float one = 1.0F;
    const float zero = 0.0F;
    const pass_names &names = names_of(problem.pass);
    const cudnnBackendDescriptor_t conv = make_convolution(parts, problem);
    const cudnnBackendDescriptor_t input =
        make_tensor(parts, picture_form(problem, INPUT, problem.input));
    const cudnnBackendDescriptor_t filters = make_tensor(parts, filter_form(problem));
    cudnnBackendDescriptor_t operation = parts.make(names.type);
    parts.set(operation, names.convolution, CUDNN_TYPE_BACKEND_DESCRIPTOR, conv);
    parts.set(operation, names.input, CUDNN_TYPE_BACKEND_DESCRIPTOR, input);
    parts.set(operation, names.filters, CUDNN_TYPE_BACKEND_DESCRIPTOR, filters);
    parts.set(operation, names.output, CUDNN_TYPE_BACKEND_DESCRIPTOR, output);
    parts.set(operation, names.alpha, CUDNN_TYPE_FLOAT, one);
    parts.set(operation, names.beta, CUDNN_TYPE_FLOAT, zero);
    parts.finish(operation);
    return operation;
}

/* to = mode(from), or mode(from, other). */
cudnnBackendDescriptor_t make_pointwise(descriptors &parts, cudnnPointwiseMode_t mode,
                                        cudnnBackendDescriptor_t from,
                                        const cudnnBackendDescriptor_t *other,
                                        cudnnBackendDescriptor_t to) {
    const cudnnDataType_t sums = CUDNN_DATA_FLOAT;
    cudnnBackendDescriptor_t what = parts.make(CUDNN_BACKEND_POINTWISE_DESCRIPTOR);
    parts.set(what, CUDNN_ATTR_POINTWISE_MODE, CUDNN_TYPE_POINTWISE_MODE, mode);
    parts.set(what, CUDNN_ATTR_POINTWISE_MATH_PREC, CUDNN_TYPE_DATA_TYPE, sums);
    parts.finish(what);
    cudnnBackendDescriptor_t operation = parts.make(CUDNN_BACKEND_OPERATION_POINTWISE_DESCRIPTOR);
    parts.set(operation, CUDNN_ATTR_OPERATION_POINTWISE_PW_DESCRIPTOR,
              CUDNN_TYPE_BACKEND_DESCRIPTOR, what);
    parts.set(operation, CUDNN_ATTR_OPERATION_POINTWISE_XDESC, CUDNN_TYPE_BACKEND_DESCRIPTOR, from);
    if (other) {
        parts.set(operation, CUDNN_ATTR_OPERATION_POINTWISE_BDESC, CUDNN_TYPE_BACKEND_DESCRIPTOR,
                  *other);
    }
    parts.set(operation, CUDNN_ATTR_OPERATION_POINTWISE_YDESC, CUDNN_TYPE_BACKEND_DESCRIPTOR, to);
    parts.finish(operation);
    return operation;
}

/* A value inside the graph, between the convolution and the result. */
tensor_form inner_form(const product_problem &problem, tensor_number number) {
    tensor_form form = picture_form(problem, number, problem.output);
    form.type = CUDNN_DATA_FLOAT;
    form.inside = true;
    return form;
}

/* The operations of a pass; returns how many. */
int make_operations(descriptors &parts, const product_problem &problem,
                    cudnnBackendDescriptor_t operations[3]) {
    const cudnnBackendDescriptor_t output =
        make_tensor(parts, picture_form(problem, OUTPUT, problem.output));
    if (problem.pass != PASS_FORWARD) {
        operations[0] = make_pass(parts, problem, output);
        return 1;
    }
    const cudnnBackendDescriptor_t sums = make_tensor(parts, inner_form(problem, SUMS));
    const cudnnBackendDescriptor_t bias = make_tensor(
        parts, {BIAS, stored_type(problem.math), {1, problem.output.channels, 1, 1}, false});
    const cudnnBackendDescriptor_t biased =
        problem.relu ? make_tensor(parts, inner_form(problem, BIASED)) : output;
    operations[0] = make_pass(parts, problem, sums);
    operations[1] = make_pointwise(parts, CUDNN_POINTWISE_ADD, sums, &bias, biased);
    if (problem.relu) {
        operations[2] = make_pointwise(parts, CUDNN_POINTWISE_RELU_FWD, biased, NULL, output);
    }
    return problem.relu ? 3 : 2;
}

/* Whether an engine adds in a fixed order and, for float32, multiplies without rounding factors. */
bool is_acceptable(const dnn_library &library, ninp_cuda_math math,
                   cudnnBackendDescriptor_t configuration) {
    cudnnBackendDescriptor_t engine = NULL;
    cudnnBackendNumericalNote_t notes[CUDNN_NUMERICAL_NOTE_TYPE_COUNT];
    int64_t count = 0;
    if (library.cudnnBackendCreateDescriptor(CUDNN_BACKEND_ENGINE_DESCRIPTOR, &engine) !=
        CUDNN_STATUS_SUCCESS) {
        return false;
    }
    bool acceptable = library.cudnnBackendGetAttribute(configuration, CUDNN_ATTR_ENGINECFG_ENGINE,
                                                       CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, &count,
                                                       &engine) == CUDNN_STATUS_SUCCESS &&
                      library.cudnnBackendGetAttribute(
                          engine, CUDNN_ATTR_ENGINE_NUMERICAL_NOTE, CUDNN_TYPE_NUMERICAL_NOTE,
                          CUDNN_NUMERICAL_NOTE_TYPE_COUNT, &count, notes) == CUDNN_STATUS_SUCCESS;
    for (int64_t i = 0; acceptable && i < count; i++) {
        acceptable =
            notes[i] != CUDNN_NUMERICAL_NOTE_NONDETERMINISTIC &&
            notes[i] != CUDNN_NUMERICAL_NOTE_REDUCED_PRECISION_REDUCTION &&
            (math != NINP_CUDA_FLOAT32 || (notes[i] != CUDNN_NUMERICAL_NOTE_TENSOR_CORE &&
                                           notes[i] != CUDNN_NUMERICAL_NOTE_DOWN_CONVERT_INPUTS));
    }
    (void)library.cudnnBackendDestroyDescriptor(engine);
    return acceptable;
}

/* A plan for one engine, kept where it can be made and fits the workspace. */
void keep_plan(dnn_product &made, const product_problem &problem,
               cudnnBackendDescriptor_t configuration) {
    const dnn_library &library = *made.library;
    if (!is_acceptable(library, problem.math, configuration)) {
        return;
    }
    cudnnBackendDescriptor_t plan = NULL;
    int64_t bytes = 0;
    int64_t count = 0;
    if (library.cudnnBackendCreateDescriptor(CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR, &plan) !=
        CUDNN_STATUS_SUCCESS) {
        return;
    }
    if (library.cudnnBackendSetAttribute(plan, CUDNN_ATTR_EXECUTION_PLAN_HANDLE, CUDNN_TYPE_HANDLE,
                                         1, &library.handle) == CUDNN_STATUS_SUCCESS &&
        library.cudnnBackendSetAttribute(plan, CUDNN_ATTR_EXECUTION_PLAN_ENGINE_CONFIG,
                                         CUDNN_TYPE_BACKEND_DESCRIPTOR, 1,
                                         &configuration) == CUDNN_STATUS_SUCCESS &&
        library.cudnnBackendFinalize(plan) == CUDNN_STATUS_SUCCESS &&
        library.cudnnBackendGetAttribute(plan, CUDNN_ATTR_EXECUTION_PLAN_WORKSPACE_SIZE,
                                         CUDNN_TYPE_INT64, 1, &count,
                                         &bytes) == CUDNN_STATUS_SUCCESS &&
        bytes >= 0 && (size_t)bytes <= problem.workspace_bytes) {
        made.plans.push_back(plan);
    } else {
        (void)library.cudnnBackendDestroyDescriptor(plan);
    }
}

/* Plans of the engines that the library's heuristic proposes. */
void find_plans(dnn_product &made, const product_problem &problem) {
    descriptors &parts = made.parts;
    cudnnBackendDescriptor_t operations[3];
    const int count = make_operations(parts, problem, operations);
    const cudnnBackendDescriptor_t graph = parts.make(CUDNN_BACKEND_OPERATIONGRAPH_DESCRIPTOR);
    parts.set(graph, CUDNN_ATTR_OPERATIONGRAPH_HANDLE, CUDNN_TYPE_HANDLE, made.library->handle);
    parts.set(graph, CUDNN_ATTR_OPERATIONGRAPH_OPS, CUDNN_TYPE_BACKEND_DESCRIPTOR, operations,
              count);
    parts.finish(graph);
    const cudnnBackendHeurMode_t mode = CUDNN_HEUR_MODE_A;
    const cudnnBackendDescriptor_t guess = parts.make(CUDNN_BACKEND_ENGINEHEUR_DESCRIPTOR);
    parts.set(guess, CUDNN_ATTR_ENGINEHEUR_OPERATION_GRAPH, CUDNN_TYPE_BACKEND_DESCRIPTOR, graph);
    parts.set(guess, CUDNN_ATTR_ENGINEHEUR_MODE, CUDNN_TYPE_HEUR_MODE, mode);
    parts.finish(guess);
    cudnnBackendDescriptor_t engines[MOST_ENGINES];
    for (cudnnBackendDescriptor_t &engine : engines) {
        engine = parts.make(CUDNN_BACKEND_ENGINECFG_DESCRIPTOR);
    }
    int64_t found = 0;
    if (!parts.good || made.library->cudnnBackendGetAttribute(
                           guess, CUDNN_ATTR_ENGINEHEUR_RESULTS, CUDNN_TYPE_BACKEND_DESCRIPTOR,
                           MOST_ENGINES, &found, engines) != CUDNN_STATUS_SUCCESS) {
        return;
    }
    for (int64_t i = 0; i < found && i < MOST_ENGINES; i++) {
        keep_plan(made, problem, engines[i]);
    }
}

bool dnn_product::run(int algorithm, const product_arrays &arrays) const {
    /* A pass's left, right and result are these tensors; the bias is the fourth. */
    static const int64_t numbers[PASSES][3] = {
        {INPUT, FILTERS, OUTPUT}, {OUTPUT, FILTERS, INPUT}, {INPUT, OUTPUT, FILTERS}};
    const int64_t names[4] = {numbers[pass][0], numbers[pass][1], numbers[pass][2], BIAS};
    const void *const places[4] = {arrays.left, arrays.right, arrays.result, bias};
    const int64_t count = pass == PASS_FORWARD ? 4 : 3;
    descriptors pack(library);
    const cudnnBackendDescriptor_t variant = pack.make(CUDNN_BACKEND_VARIANT_PACK_DESCRIPTOR);
    pack.set(variant, CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS, CUDNN_TYPE_INT64, names, count);
    pack.set(variant, CUDNN_ATTR_VARIANT_PACK_DATA_POINTERS, CUDNN_TYPE_VOID_PTR, places, count);
    pack.set(variant, CUDNN_ATTR_VARIANT_PACK_WORKSPACE, CUDNN_TYPE_VOID_PTR, arrays.workspace);
    pack.finish(variant);
    return pack.good &&
           library->cudnnSetStream(library->handle, static_cast<cudaStream_t>(arrays.stream)) ==
               CUDNN_STATUS_SUCCESS &&
           library->cudnnBackendExecute(library->handle, plans[(size_t)algorithm], variant) ==
               CUDNN_STATUS_SUCCESS;
}

} // namespace

dnn_library *dnn_open(const function_source &source) {
    dnn_library *library = new (std::nothrow) dnn_library();
    if (!library) {
        return NULL;
    }
    bool complete = true;
#define DNN_FIND(function) \
    complete = complete && find_function(source, #function, &library->function);
    DNN_FUNCTIONS(DNN_FIND)
#undef DNN_FIND
    if (!complete || library->cudnnCreate(&library->handle) != CUDNN_STATUS_SUCCESS) {
        delete library;
        return NULL;
    }
    return library;
}

void dnn_close(dnn_library *library) {
    if (library) {
        (void)library->cudnnDestroy(library->handle);
        delete library;
    }
}

product *dnn_plan(const dnn_library *library, const product_problem &problem) {
    dnn_product *made = new (std::nothrow) dnn_product(library);
    if (!made) {
        return NULL;
    }
    made->pass = problem.pass;
    made->bias = problem.vector;
    find_plans(*made, problem);
    made->algorithms = (int)made->plans.size();
    if (made->algorithms == 0) {
        delete made;
        return NULL;
    }
    return made;
}

} // namespace ninp_cuda

#else /* a build without NVIDIA's headers: there is no such library */

namespace ninp_cuda {

dnn_library *dnn_open(const function_source &) {
    return NULL;
}

void dnn_close(dnn_library *) {
}

product *dnn_plan(const dnn_library *, const product_problem &) {
    return NULL;
}

} // namespace ninp_cuda

#endif
