/* The file of CUDA's algorithms: what was written is read again for the same device and libraries,
 * and anything else is as no file at all. */
#include "cuda/choices.h"

#include "base/file.h"
#include "support/scratch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { ROOM = 6 };

static const ninp_cuda_device device = {
    .name = "Fake X/1", .major = 9, .minor = 0, .multiprocessors = 132};
static const ninp_cuda_libraries libraries = {
    .driver = 13010, .cublaslt = "13.1.0", .cudnn = "9.19.0"};

static char *directory; /* does not exist at first: "SCRATCH/a/b" */
static char *path;      /* the file there */

static int make(void **state) {
    *state = scratch_make();
    directory = ninp_path_join(*state, "a/b");
    path = ninp_path_join(directory, "cuda-Fake-X-1-sm_90-132.txt");
    return 0;
}

static int clean(void **state) {
    scratch_remove(*state);
    free(directory);
    free(path);
    return 0;
}

static ninp_choices_key key_of(const ninp_cuda_libraries *of) {
    return (ninp_choices_key){directory, &device, of};
}

static void write_choices(size_t count) {
    const ninp_choices_key key = key_of(&libraries);
    ninp_cuda_choices choices = {.items = calloc(count, sizeof *choices.items), .count = count};
    assert_non_null(choices.items);
    for (size_t i = 0; i < count; i++) {
        choices.items[i].algorithm = (int)(i % 16);
        snprintf(choices.items[i].product, sizeof choices.items[i].product, "product %zu", i);
    }
    ninp_choices_write(&key, &choices);
    free(choices.items);
}

static size_t count_read(const ninp_choices_key *key) {
    ninp_cuda_choices choices;
    assert_true(ninp_choices_read(key, ROOM, &choices));
    assert_true(choices.capacity - choices.count >= ROOM);
    assert_false(choices.changed);
    const size_t count = choices.count;
    ninp_choices_free(&choices);
    return count;
}

static void written_and_read(void **state) {
    const ninp_choices_key key = key_of(&libraries);
    assert_int_equal(count_read(&key), 0); /* no file yet */
    write_choices(3);
    assert_int_equal(scratch_count(directory), 1);
    ninp_cuda_choices choices;
    assert_true(ninp_choices_read(&key, ROOM, &choices));
    assert_int_equal(choices.count, 3);
    assert_string_equal(choices.items[2].product, "product 2");
    assert_int_equal(choices.items[2].algorithm, 2);
    ninp_choices_free(&choices);
    (void)state;
}

/* The latest are kept of more than anybody needs. */
static void not_without_end(void **state) {
    (void)state;
    enum { MANY = 5000 };
    const ninp_choices_key key = key_of(&libraries);
    write_choices(MANY);
    ninp_cuda_choices choices;
    assert_true(ninp_choices_read(&key, ROOM, &choices));
    assert_true(choices.count > 0 && choices.count < MANY);
    assert_string_equal(choices.items[choices.count - 1].product, "product 4999");
    ninp_choices_free(&choices);
}

static void other_libraries(void **state) {
    (void)state;
    write_choices(3);
    ninp_cuda_libraries others[3] = {libraries, libraries, libraries};
    others[0].driver++;
    others[1].cublaslt[0] = '\0';
    others[2].cudnn[0]++;
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        const ninp_choices_key key = key_of(&others[i]);
        assert_int_equal(count_read(&key), 0);
    }
    ninp_cuda_device other = device;
    other.multiprocessors = 66;
    const ninp_choices_key key = {directory, &other, &libraries};
    assert_int_equal(count_read(&key), 0);
}

static void damaged(void **state) {
    (void)state;
    const ninp_choices_key key = key_of(&libraries);
    char *bytes;
    size_t size;
    write_choices(2);
    assert_int_equal(ninp_file_read(path, 1 << 20, &bytes, &size, NULL), NIN_OK);
    assert_int_equal(count_read(&key), 2);
    /* Cut off anywhere: nothing, or whole lines. */
    for (size_t cut = 0; cut < size; cut++) {
        scratch_write(path, bytes, cut);
        const bool whole = cut > 0 && bytes[cut - 1] == '\n';
        assert_true(count_read(&key) == 0 || whole);
    }
    static const char *const lines[] = {"\n",        "3\n",    "3 \n",         "x 3\n",
                                        "-1 what\n", "what\n", "99999 what\n", "1 no newline"};
    char text[1024];
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        const int length = snprintf(text, sizeof text, "%.*s%s", (int)size, bytes, lines[i]);
        scratch_write(path, text, (size_t)length);
        assert_int_equal(count_read(&key), 0);
    }
    memcpy(text, bytes, size);
    text[size - 3] = '\0';
    scratch_write(path, text, size);
    assert_int_equal(count_read(&key), 0);
    scratch_write(path, "garbage", 7);
    assert_int_equal(count_read(&key), 0);
    free(bytes);
    write_choices(2); /* replaces it */
    assert_int_equal(count_read(&key), 2);
}

/* Something else is where the directory should be, or the file. */
static void no_place(void **state) {
    char *above = ninp_path_join(*state, "a");
    scratch_write(above, "a file", 6);
    const ninp_choices_key key = key_of(&libraries);
    write_choices(2);
    assert_int_equal(count_read(&key), 0);
    assert_int_equal(remove(above), 0);
    assert_int_equal(ninp_directory_make(path, NULL), NIN_OK);
    write_choices(2);
    assert_int_equal(count_read(&key), 0);
    assert_int_equal(scratch_count(directory), 1);
    free(above);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(written_and_read, make, clean),
        cmocka_unit_test_setup_teardown(not_without_end, make, clean),
        cmocka_unit_test_setup_teardown(other_libraries, make, clean),
        cmocka_unit_test_setup_teardown(damaged, make, clean),
        cmocka_unit_test_setup_teardown(no_place, make, clean),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
