/* nin doctor: what this build and this machine have, and what to do about what is missing. */
#include "../command.h"
#include "../datasets.h"
#include "../fail.h"
#include "../json.h"
#include "../models.h"
#include "../plugins.h"
#include "../table.h"
#include "../text.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct argp_option own_options[] = {CLI_OPTION_JSON, {0}};

static const char doc[] = "Look at what this build and this machine have, and say what to do about "
                          "what is missing. The exit "
                          "code is 0 when nin can train here.";

static bool set_own(int key, const char *value, void *context, const char **wrong) {
    (void)key;
    (void)value;
    (void)wrong;
    *(bool *)context = true;
    return true;
}

/* The checks so far: a table for people, an array for scripts. */
typedef struct checkup {
    cli_table *table;
    json_t *array;
    bool failed; /* nin cannot train */
} checkup;

typedef enum verdict { FINE, MISSING, BROKEN } verdict;

/* Takes `text` over. */
static void add(checkup *found, const char *name, verdict result, char *text) {
    static const char *const words[] = {"ok", "missing", "broken"};
    static const cli_style styles[] = {CLI_GOOD, CLI_NOTICE, CLI_BAD};
    cli_table_add_styled(found->table, styles[result], "%s", words[result]);
    cli_table_add(found->table, "%s", name);
    cli_table_add(found->table, "%s", text);
    json_t *object = cli_json_object();
    cli_json_set(object, "check", cli_json_text(name));
    cli_json_set(object, "result", cli_json_text(words[result]));
    cli_json_set(object, "text", cli_json_text(text));
    cli_json_append(found->array, object);
    found->failed = found->failed || result == BROKEN;
    free(text);
}

#if defined(__clang__)
#define COMPILER "clang " __clang_version__
#elif defined(__GNUC__)
#define COMPILER "gcc " __VERSION__
#else
#define COMPILER "an unknown compiler"
#endif

static void check_build(checkup *found) {
    add(found, "version", FINE, cli_format("nin %s, built with %s", nin_version(), COMPILER));
}

static void check_threads(checkup *found) {
    int count = nin_processor_count();
    add(found, "threads", FINE, cli_format("%d processor%s", count, count == 1 ? "" : "s"));
}

/* The limit that a container sets for this process, in bytes; infinite where there is none. */
static double container_limit(void) {
    double limit = HUGE_VAL;
    FILE *file = fopen("/sys/fs/cgroup/memory.max", "r");
    char text[64];
    if (file && fgets(text, sizeof text, file) && text[0] >= '0' && text[0] <= '9') {
        limit = strtod(text, NULL);
    }
    if (file) {
        (void)!fclose(file);
    }
    return limit;
}

static void check_memory(checkup *found) {
    double page = (double)sysconf(_SC_PAGESIZE);
    double all = fmin(page * (double)sysconf(_SC_PHYS_PAGES), container_limit());
    bool enough = all >= 1024.0 * 1024 * 1024;
    add(found, "memory", enough ? FINE : MISSING,
        cli_format("%s%s", cli_bytes(all).text,
                   enough ? "" : "; the larger nets need more, a smaller --batch needs less"));
}

static void check_data(checkup *found, const cli_settings *settings) {
    cli_search search = cli_search_create(settings);
    const nin_known_dataset *known;
    for (size_t i = 0; (known = nin_dataset_known(i)); i++) {
        char *place = cli_dataset_place(known->name, search.directories);
        if (place) {
            add(found, known->name, FINE, cli_copy(place));
        } else {
            add(found, known->name, MISSING,
                known->fetchable ? cli_format("'nin data fetch %s' gets it", known->name)
                                 : cli_copy("nin does not know where to get it"));
        }
        free(place);
    }
    cli_search_free(&search);
}

/* One step of a small net on pictures of stripes: the whole way through the engine. */
static nin_status try_step(nin_net *net, const char *device, const char *isa, nin_loss *loss,
                           nin_error *err) {
    enum { BATCH = 4, STRIPES = 97 };
    nin_session_options options = nin_session_options_defaults();
    options.batch = BATCH;
    options.training = true;
    options.device = device;
    options.isa = isa;
    options.plugins = cli_plugins();
    nin_init_options init = nin_init_options_defaults();
    nin_net_initialize(net, &init);
    nin_session *session;
    nin_status status = nin_session_create(net, &options, &session, err);
    if (status != NIN_OK) {
        return status;
    }
    nin_shape input = nin_net_input(net);
    size_t pixels = (size_t)input.channels * (size_t)input.height * (size_t)input.width;
    float *images = cli_allocate(BATCH * pixels, sizeof *images);
    float *gradients = cli_allocate(nin_net_parameter_count(net), sizeof *gradients);
    for (size_t i = 0; i < BATCH * pixels; i++) {
        images[i] = (float)(i % STRIPES) / STRIPES;
    }
    int32_t labels[BATCH] = {0, 1, 2, 3};
    const nin_examples examples = {.images = images, .labels = labels, .count = BATCH};
    status = nin_session_gradients(session, &examples, gradients, loss, err);
    free(images);
    free(gradients);
    nin_session_free(session);
    return status;
}

/* What is wrong with a step of lenet there, or NULL; freed by the caller. `expected`: the loss that
 * it should give; 0: not known yet. */
static char *step_problem(const char *device, const char *isa, double expected, double *loss_sum) {
    nin_net *net;
    nin_error err = {0};
    nin_loss loss = {0};
    nin_status status = nin_net_open("lenet", NULL, &net, &err);
    if (status == NIN_OK) {
        status = try_step(net, device, isa, &loss, &err);
        nin_net_free(net);
    }
    *loss_sum = loss.loss_sum;
    if (status != NIN_OK) {
        return cli_format("a step of lenet fails: %s", err.message);
    }
    if (!isfinite(loss.loss_sum)) {
        return cli_copy("a step of lenet gives no finite loss");
    }
    return expected > 0 && fabs(loss.loss_sum - expected) > 1e-4 * expected
               ? cli_format("a step of lenet gives a loss of %.6g, not %.6g", loss.loss_sum,
                            expected)
               : NULL;
}

/* Every instruction set that this build has kernels for, plain C first: all must give its loss,
 * which is returned. */
static double check_isas(checkup *found) {
    bool has;
    const char *isa;
    double expected = 0;
    for (size_t i = 0; (isa = nin_isa(i, &has)); i++) {
        char *name = cli_format("isa %s", isa);
        double loss = 0;
        char *problem = has ? step_problem("cpu", isa, expected, &loss) : NULL;
        expected = i == 0 ? loss : expected;
        if (!has) {
            add(found, name, MISSING, cli_copy("compiled, not run: not in this processor"));
        } else if (problem) {
            add(found, name, BROKEN, cli_format("compiled, but %s", problem));
        } else {
            add(found, name, FINE, cli_copy("compiled, and a step of lenet works"));
        }
        free(problem);
        free(name);
    }
    return expected;
}

/* ---- CUDA ------------------------------------------------------------------------------------ */

static char *cuda_version(int number) {
    return cli_format("%d.%d", number / 1000, number % 1000 / 10);
}

static void check_engine(checkup *found, const nin_cuda_info *cuda) {
    char *driver = cuda_version(cuda->driver);
    char *runtime = cuda_version(cuda->runtime);
    add(found, "cuda", cuda->device_count > 0 ? FINE : MISSING,
        cli_format("%s, built with CUDA %s; the driver has CUDA %s%s", cuda->plugin, runtime,
                   driver, cuda->device_count > 0 ? "" : " and shows no device"));
    free(driver);
    free(runtime);
}

static void check_library(checkup *found, const char *name, const nin_cuda_library *library) {
    if (library->version[0]) {
        add(found, name, FINE, cli_copy(library->version));
    } else {
        add(found, name, MISSING,
            cli_format("nin's own kernels take its place: %s", library->reason));
    }
}

/* A device must give the loss of plain C, and is named as --device takes it. */
static void check_device(checkup *found, int number, const nin_cuda_device *device,
                         double expected) {
    char *name = cli_format("cuda:%d", number);
    char *what = cli_format("%s, sm_%d%d, %d multiprocessors, %s", device->name, device->major,
                            device->minor, device->multiprocessors,
                            cli_bytes((double)device->memory_bytes).text);
    double loss = 0;
    char *problem = device->usable ? step_problem(name, "auto", expected, &loss) : NULL;
    if (!device->usable) {
        add(found, name, MISSING, cli_format("%s: %s", what, device->reason));
    } else if (problem) {
        add(found, name, BROKEN, cli_format("%s: %s", what, problem));
    } else {
        add(found, name, FINE, cli_format("%s: a step of lenet works", what));
    }
    free(problem);
    free(what);
    free(name);
}

/* Where algorithms are kept that were measured; the checks themselves measure anew. */
static void check_cache(checkup *found) {
    if (cli_cache()) {
        add(found, "CUDA cache", FINE, cli_format("%s keeps the fastest algorithms", cli_cache()));
    } else {
        add(found, "CUDA cache", MISSING,
            cli_copy("neither $XDG_CACHE_HOME nor $HOME says where to keep the fastest "
                     "algorithms: each start measures them"));
    }
}

static void check_cuda(checkup *found, double expected) {
    nin_cuda_info cuda;
    nin_error err = {0};
    if (nin_cuda_look(cli_plugins(), &cuda, &err) != NIN_OK) {
        add(found, "cuda", MISSING, cli_copy(err.message));
        return;
    }
    check_engine(found, &cuda);
    check_library(found, "cuBLASLt", &cuda.cublaslt);
    check_library(found, "cuDNN", &cuda.cudnn);
    check_cache(found);
    for (int i = 0; i < cuda.device_count && i < NIN_CUDA_DEVICES; i++) {
        check_device(found, i, &cuda.devices[i], expected);
    }
}

static void check_training(checkup *found) {
    double loss;
    char *problem = step_problem("auto", "auto", 0, &loss);
    add(found, "training", problem ? BROKEN : FINE,
        problem ? problem : cli_copy("a step of lenet works"));
}

int cli_command_doctor(int argc, char **argv) {
    bool json = false;
    cli_line line = cli_line_create();
    line.name = "doctor";
    line.doc = doc;
    line.settings = CLI_SEARCHES_DATA;
    line.own = own_options;
    line.set_own = set_own;
    line.context = &json;
    cli_line_parse(&line, argc, argv);
    const cli_settings *settings = cli_line_settings(&line);

    checkup found = {.table = cli_table_create("lll"), .array = cli_json_array()};
    check_build(&found);
    const double expected = check_isas(&found);
    check_cuda(&found, expected);
    check_threads(&found);
    check_memory(&found);
    check_data(&found, settings);
    check_training(&found);
    if (json) {
        json_t *object = cli_json_object();
        cli_json_set(object, "can_train", json_boolean(!found.failed));
        cli_json_set(object, "checks", json_incref(found.array));
        cli_json_print(object);
    } else {
        cli_table_print(found.table, stdout, 0);
        puts(found.failed ? "\nnin cannot train here." : "\nnin can train here.");
    }
    cli_table_free(found.table);
    json_decref(found.array);
    cli_line_free(&line);
    return found.failed ? CLI_UNAVAILABLE : CLI_DONE;
}
