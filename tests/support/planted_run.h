/* Runs of training with a planted fault, and what the health watch tells about them. Failures fail
 * the test. Directory and data are shared by the tests of a file: set them up with the functions
 * below. */
#ifndef TESTS_SUPPORT_PLANTED_RUN_H
#define TESTS_SUPPORT_PLANTED_RUN_H

#include <nin/train.h>

enum {
    PLANTED_SIZE = 14,
    PLANTED_BATCH = 32,
    PLANTED_PICTURES = 960,
    PLANTED_EPOCH = 30,
    PLANTED_STEPS = 210,
    PLANTED_TEST_PICTURES = 100,
    PLANTED_LARGE_TEST = 600
};

/* A network in network in small: its last 1 x 1 convolution, layer 7, has a map for every class,
 * and a ReLU and global average pooling behind it. */
extern const char planted_map_net[];
/* One whose logits may be negative. */
extern const char planted_linear_net[];
/* One without a ReLU that could die before numbers grow too large. */
extern const char planted_product_net[];

/* Numbers of tensors. */
enum {
    PLANTED_MAP_BIAS = 9,
    PLANTED_FIRST_BIAS = 1,
    PLANTED_LAST_BIAS = 5 /* of the linear net */
};

extern char *planted_directory; /* of the run */
extern nin_dataset *planted_large_test_set;

/* For cmocka: the data of a group, the directory of a test. */
int planted_open_data(void **state);
int planted_close_data(void **state);
int planted_make_directory(void **state);
int planted_remove_directory(void **state);
/* Another directory in its place. */
void planted_empty_directory(void);

typedef struct planted_news {
    nin_event event;
    uint64_t step;
    nin_finding finding;
} planted_news;

/* What is planted in a run, and what it told. */
typedef struct planted_run {
    const char *net;
    nin_train_options options;
    nin_preprocess preprocess;
    const nin_dataset *train; /* NULL: the drawn one */
    const nin_dataset *test;  /* NULL: the small one */
    bool untested;
    bool resume;

    /* After step plant_step, and in the first start only where `once`, these values of a tensor
     * become plant_value. */
    uint64_t plant_step;
    bool once;
    size_t plant_tensor;
    size_t plant_at[10], plant_count;
    float plant_value;
    uint64_t stop_step; /* the callback stops the run; 0: never */

    nin_model model;
    planted_news events[64];
    size_t event_count;
    nin_train_result result;
    nin_error err;
} planted_run;

/* Settings that learn, at any seed. */
planted_run planted_run_healthy(const char *net, uint64_t seed);

/* Trains in the directory, or resumes there. */
nin_status planted_run_try(planted_run *run);
/* The same; it must succeed. */
void planted_run_perform(planted_run *run);

void planted_run_expect_nothing(const planted_run *run);
/* The first finding is of this kind, came within 200 steps, and says this. */
const nin_finding *planted_run_expect_first(const planted_run *run, nin_finding_kind kind,
                                            const char *words);

#endif
