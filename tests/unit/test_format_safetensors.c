/* Reading and writing safetensors files: a file of the reference writer, our own, and the corrupt
 * ones of every kind. */
#include "format/safetensors.h"

#include "format/json.h"
#include "support/scratch.h"

#include <fcntl.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char *directory;
static char path[4200];

static int make_directory(void **state) {
    (void)state;
    directory = scratch_make();
    snprintf(path, sizeof path, "%s/file.safetensors", directory);
    return 0;
}

static int remove_directory(void **state) {
    (void)state;
    scratch_remove(directory);
    return 0;
}

static char *read_file(const char *name, size_t *size) {
    FILE *file = fopen(name, "rb");
    assert_non_null(file);
    char *bytes = malloc(1 << 20);
    assert_non_null(bytes);
    *size = fread(bytes, 1, 1 << 20, file);
    fclose(file);
    return bytes;
}

/* ---- a file of the reference writer ------------------------------------------------------ */

static void expect_tensor(ninp_safetensors *file, const char *name, const float *expected,
                          size_t count) {
    const ninp_safetensors_tensor *tensor = ninp_safetensors_find(file, name);
    assert_non_null(tensor);
    assert_int_equal(tensor->count, count);
    float values[16];
    assert_int_equal(ninp_safetensors_read(file, tensor, values, NULL), NIN_OK);
    for (size_t i = 0; i < count; i++) {
        if (isnan(expected[i])) {
            assert_true(isnan(values[i]));
        } else {
            assert_memory_equal(&values[i], &expected[i], sizeof *values); /* signs of zero, too */
        }
    }
}

static void test_reference_file(void **state) {
    (void)state;
    ninp_safetensors *file;
    nin_error err = {0};
    assert_int_equal(ninp_safetensors_open("tests/golden/reference.safetensors", &file, &err),
                     NIN_OK);
    assert_int_equal(ninp_safetensors_count(file), 7);
    assert_string_equal(ninp_safetensors_metadata(file, "made by"), "safetensors");
    assert_string_equal(ninp_safetensors_metadata(file, "key"), "v\xc3\xa4lue");
    assert_null(ninp_safetensors_metadata(file, "other"));
    expect_tensor(file, "f32", (const float[]){1.5F, -2.0F, 3.25F, 1e-45F, -0.0F, 3.40282347e38F},
                  6);
    expect_tensor(file, "f16",
                  (const float[]){1.0F, -2.5F, 0x1p-24F, 65504.0F, INFINITY, -0.0F, 0x1.8p-14F}, 7);
    expect_tensor(file, "bf16", (const float[]){1.0F, -3.140625F, NAN}, 3);
    expect_tensor(file, "f64", (const float[]){0.1F}, 1);
    expect_tensor(file, "i64", (const float[]){3.0F, -0x1p40F}, 2);
    expect_tensor(file, "none", NULL, 0);
    const ninp_safetensors_tensor *shaped = ninp_safetensors_find(file, "f32");
    assert_int_equal(shaped->rank, 2);
    assert_int_equal(shaped->shape[0], 2);
    assert_int_equal(shaped->shape[1], 3);
    assert_int_equal(ninp_safetensors_find(file, "f64")->rank, 0);
    assert_int_equal(ninp_safetensors_read(file, ninp_safetensors_find(file, "u8"), NULL, &err),
                     NIN_ERROR_DATA);
    assert_string_equal(err.message, "tests/golden/reference.safetensors: tensor u8: holds U8; "
                                     "weights are F32, F16, BF16, F64 or I64");
    err = (nin_error){0};
    assert_int_equal(ninp_safetensors_require_digests(file, &err), NIN_ERROR_DATA);
    assert_non_null(strstr(err.message, "holds no digests"));
    ninp_safetensors_close(file);
}

/* ---- our own ----------------------------------------------------------------------------- */

static const float weights[6] = {1, -2, 0.5F, 1e-45F, 3e38F, -0.0F};
static const float bias[1] = {7};

static nin_status write_own(nin_error *err) {
    ninp_safetensors_source sources[] = {
        {.name = "b.weight", .rank = 2, .shape = {2, 3}, .count = 6, .values = weights},
        {.name = "nothing", .rank = 1, .shape = {0}, .count = 0, .values = NULL},
        {.name = "a.bias", .rank = 1, .shape = {1}, .count = 1, .values = bias}};
    const ninp_safetensors_pair pairs[] = {{"z", "last"}, {"k\xc3\xa4y", "va\"lue\n"}};
    ninp_safetensors_content content = {
        .tensors = sources, .tensor_count = 3, .pairs = pairs, .pair_count = 2};
    return ninp_safetensors_write(path, &content, err);
}

/* Opens the file at `path`, asks for digests and reads everything. */
static nin_status read_own(nin_error *err) {
    ninp_safetensors *file;
    nin_status status = ninp_safetensors_open(path, &file, err);
    if (status != NIN_OK) {
        assert_null(file);
        return status;
    }
    status = ninp_safetensors_require_digests(file, err);
    for (size_t i = 0; i < ninp_safetensors_count(file) && status == NIN_OK; i++) {
        const ninp_safetensors_tensor *tensor = ninp_safetensors_at(file, i);
        float *values = calloc(tensor->count + 1, sizeof *values);
        assert_non_null(values);
        status = ninp_safetensors_read(file, tensor, values, err);
        free(values);
    }
    ninp_safetensors_close(file);
    return status;
}

static void test_round_trip(void **state) {
    (void)state;
    assert_int_equal(write_own(NULL), NIN_OK);
    ninp_safetensors *file;
    assert_int_equal(ninp_safetensors_open(path, &file, NULL), NIN_OK);
    assert_int_equal(ninp_safetensors_count(file), 3);
    assert_string_equal(ninp_safetensors_at(file, 0)->name, "a.bias");
    assert_string_equal(ninp_safetensors_at(file, 1)->name, "b.weight");
    assert_string_equal(ninp_safetensors_metadata(file, "k\xc3\xa4y"), "va\"lue\n");
    assert_int_equal(ninp_safetensors_require_digests(file, NULL), NIN_OK);
    expect_tensor(file, "b.weight", weights, 6);
    expect_tensor(file, "a.bias", bias, 1);
    ninp_safetensors_close(file);
    assert_int_equal(read_own(NULL), NIN_OK);
}

static void test_same_content_same_bytes(void **state) {
    (void)state;
    size_t size[2];
    char *bytes[2];
    for (int i = 0; i < 2; i++) {
        assert_int_equal(write_own(NULL), NIN_OK);
        bytes[i] = read_file(path, &size[i]);
    }
    assert_int_equal(size[0], size[1]);
    assert_memory_equal(bytes[0], bytes[1], size[0]);
    assert_int_equal((unsigned char)bytes[0][0] % 8, 0); /* length of the header */
    free(bytes[0]);
    free(bytes[1]);
    assert_int_equal(scratch_count(directory), 1);
}

static void test_write_failures(void **state) {
    (void)state;
    ninp_safetensors_source source = {
        .name = "w", .rank = 1, .shape = {1}, .count = 1, .values = bias};
    char *large = malloc(NINP_SAFETENSORS_HEADER);
    memset(large, 'x', NINP_SAFETENSORS_HEADER - 1);
    large[NINP_SAFETENSORS_HEADER - 1] = '\0';
    ninp_safetensors_pair pair = {"key", large};
    ninp_safetensors_content content = {
        .tensors = &source, .tensor_count = 1, .pairs = &pair, .pair_count = 1};
    nin_error err = {0};
    assert_int_equal(ninp_safetensors_write(path, &content, &err), NIN_ERROR_ARGUMENT);
    assert_non_null(strstr(err.message, "at most 1048576 can be read back"));
    free(large);
    err = (nin_error){0};
    pair.value = "\xff";
    assert_int_equal(ninp_safetensors_write(path, &content, &err), NIN_ERROR_ARGUMENT);
    assert_non_null(strstr(err.message, "key: not UTF-8"));
    err = (nin_error){0};
    pair.value = "value";
    assert_int_equal(ninp_safetensors_write("/no/such/place/file", &content, &err), NIN_ERROR_IO);
    assert_int_equal(scratch_count(directory), 0);
}

/* ---- damage ------------------------------------------------------------------------------ */

/* The file stays open while it is damaged: making a new one each time takes far longer. */
static int open_to_damage(void) {
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    return fd;
}

static void flip(int fd, char *bytes, size_t bit) {
    bytes[bit / 8] = (char)(bytes[bit / 8] ^ 1 << bit % 8);
    assert_int_equal(pwrite(fd, bytes + bit / 8, 1, (off_t)(bit / 8)), 1);
}

static void test_truncated_at_every_byte(void **state) {
    (void)state;
    assert_int_equal(write_own(NULL), NIN_OK);
    size_t size;
    free(read_file(path, &size));
    int fd = open_to_damage();
    while (size-- > 0) {
        assert_int_equal(ftruncate(fd, (off_t)size), 0);
        nin_error err = {0};
        assert_int_equal(read_own(&err), NIN_ERROR_DATA);
        assert_non_null(strstr(err.message, path));
    }
    close(fd);
}

/* Digests of the values and of the metadata, and the strict reader for the rest, find every one. */
static void test_every_bit_flipped(void **state) {
    (void)state;
    assert_int_equal(write_own(NULL), NIN_OK);
    size_t size;
    char *bytes = read_file(path, &size);
    int fd = open_to_damage();
    for (size_t bit = 0; bit < 8 * size; bit++) {
        flip(fd, bytes, bit);
        nin_error err = {0};
        if (read_own(&err) != NIN_ERROR_DATA) {
            fail_msg("bit %zu of byte %zu was missed: %s", bit % 8, bit / 8, err.message);
        }
        flip(fd, bytes, bit);
    }
    assert_int_equal(read_own(NULL), NIN_OK);
    close(fd);
    free(bytes);
}

static void read_all(ninp_safetensors *file) {
    for (size_t i = 0; i < ninp_safetensors_count(file); i++) {
        float values[64];
        const ninp_safetensors_tensor *tensor = ninp_safetensors_at(file, i);
        assert_true(tensor->count <= sizeof values / sizeof *values);
        (void)ninp_safetensors_read(file, tensor, values, NULL);
    }
}

/* A foreign file has no digests: whatever is flipped, reading must end without a crash. */
static void test_foreign_bits_flipped(void **state) {
    (void)state;
    size_t size;
    char *bytes = read_file("tests/golden/reference.safetensors", &size);
    scratch_write(path, bytes, size);
    int fd = open_to_damage();
    size_t opened = 0;
    for (size_t bit = 0; bit < 8 * size; bit++) {
        flip(fd, bytes, bit);
        ninp_safetensors *file;
        if (ninp_safetensors_open(path, &file, NULL) == NIN_OK) {
            read_all(file);
            ninp_safetensors_close(file);
            opened++;
        }
        flip(fd, bytes, bit);
    }
    assert_true(opened > 71 * 8); /* damaged values at least */
    close(fd);
    free(bytes);
}

/* ---- corrupt headers --------------------------------------------------------------------- */

/* Writes a file: the header's length as `promised`, the header, and `data` bytes of zeros. */
static void write_raw(uint64_t promised, const char *header, size_t length, size_t data) {
    char *bytes = calloc(8 + length + data, 1);
    assert_non_null(bytes);
    for (size_t i = 0; i < 8; i++) {
        bytes[i] = (char)(promised >> (8 * i));
    }
    memcpy(bytes + 8, header, length);
    scratch_write(path, bytes, 8 + length + data);
    free(bytes);
}

/* Opening must fail with a message that starts with the path and then says `reason`. */
static void expect_refused(const char *reason) {
    ninp_safetensors *file;
    nin_error err = {0};
    nin_status status = ninp_safetensors_open(path, &file, &err);
    if (status == NIN_OK) {
        fail_msg("accepted; expected: %s", reason);
    }
    assert_int_equal(status, NIN_ERROR_DATA);
    assert_null(file);
    size_t length = strlen(path);
    assert_memory_equal(err.message, path, length);
    if (strncmp(err.message + length, reason, strlen(reason)) != 0) {
        fail_msg("message: %s; expected: %s", err.message + length, reason);
    }
}

typedef struct corrupt {
    const char *header;
    size_t data; /* bytes of values in the file */
    const char *reason;
} corrupt;

#define ENTRY(dtype, shape, offsets) \
    "{\"t\":{\"dtype\":\"" dtype "\",\"shape\":" shape ",\"data_offsets\":" offsets "}}"

static const corrupt headers[] = {
    {"[]", 0, ": not a safetensors file: the header at byte 8 does not start with {"},
    {" {}", 0, ": not a safetensors file: the header at byte 8 does not start with {"},
    {"{", 0, ": byte 9: "},
    {"{}x", 0, ": byte 11: "},
    {"{\"\xff\":1}", 0, ": byte 10: "},
    {"{\"a\\u0000b\":1}", 0, ": byte 19: "},
    {"{\"t\":1,\"t\":2}", 0, ": byte 18: "},
    {"{\"t\":[[[[[[[[1]]]]]]]]}", 0, ": byte 20: nested more than 8 deep"},
    {"{\"__metadata__\":[]}", 0, ": __metadata__: not a JSON object"},
    {"{\"__metadata__\":{\"a\":1}}", 0, ": __metadata__: a: not a string"},
    {"{\"__metadata__\":{\"a\":\"b\"},\"__metadata__\":{}}", 0, ": byte "},
    {"{\"__metadata__\":{\"nin.digest\":\"[\"}}", 0, ": nin.digest: byte 1: "},
    {"{\"__metadata__\":{\"nin.digest\":\"{}\"}}", 0, ": damaged: the metadata"},
    {"{\"t\":1}", 0, ": tensor t: not a JSON object"},
    {"{\"\":{}}", 0, ": tensor : a name of 0 bytes; 1 to 512 are read"},
    {"{\"\\u001b[2J\":{}}", 0, ": tensor ?[2J: dtype (none) is not known"},
    {ENTRY("X32", "[]", "[0,4]"), 4, ": tensor t: dtype X32 is not known"},
    {ENTRY("F4", "[2]", "[0,1]"), 1, ": tensor t: dtype F4 is not known"},
    {ENTRY("f32", "[]", "[0,4]"), 4, ": tensor t: dtype f32 is not known"},
    {"{\"t\":{\"dtype\":\"F32\",\"data_offsets\":[0,4]}}", 4, ": tensor t: no shape"},
    {ENTRY("F32", "[1,1,1,1,1,1,1,1,1]", "[0,4]"), 4, ": tensor t: 9 dimensions; at most 8"},
    {ENTRY("F32", "[-1]", "[0,4]"), 4, ": tensor t: shape[0] is not a whole number from 0"},
    {ENTRY("F32", "[1e0]", "[0,4]"), 4, ": tensor t: shape[0] is not a whole number from 0"},
    {ENTRY("F32", "[1.0]", "[0,4]"), 4, ": tensor t: shape[0] is not a whole number from 0"},
    {ENTRY("F32", "[1,\"1\"]", "[0,4]"), 4, ": tensor t: shape[1] is not a whole number from 0"},
    {ENTRY("F32", "[true]", "[0,4]"), 4, ": tensor t: shape[0] is not a whole number from 0"},
    {ENTRY("F32", "[18446744073709551616]", "[0,4]"), 4, ": byte "},
    {ENTRY("F32", "[9007199254740993]", "[0,4]"), 4,
     ": tensor t: data_offsets [0, 4], but its shape needs 36028797018963972 bytes"},
    {ENTRY("F32", "[4294967296,4294967296]", "[0,0]"), 0,
     ": tensor t: the product of the shape is too large"},
    /* 2^22 * 2^21 * 2^21 = 2^64 */
    {ENTRY("F32", "[4194304,2097152,2097152]", "[0,0]"), 0,
     ": tensor t: the product of the shape is too large"},
    /* 2^62 values of 4 bytes */
    {ENTRY("F32", "[4611686018427387904]", "[0,0]"), 0,
     ": tensor t: the product of the shape is too large"},
    {ENTRY("F32", "[1]", "[0]"), 4, ": tensor t: data_offsets are not two whole numbers from 0"},
    {ENTRY("F32", "[1]", "[0,4,8]"), 4,
     ": tensor t: data_offsets are not two whole numbers from 0"},
    {ENTRY("F32", "[1]", "[-4,0]"), 4, ": tensor t: data_offsets are not two whole numbers from 0"},
    {ENTRY("F32", "[1]", "[0,4.0]"), 4,
     ": tensor t: data_offsets are not two whole numbers from 0"},
    {ENTRY("F32", "[1]", "[4,0]"), 4, ": tensor t: data_offsets [4, 0], but its shape needs 4"},
    {ENTRY("F32", "[2]", "[0,4]"), 4, ": tensor t: data_offsets [0, 4], but its shape needs 8"},
    {ENTRY("F32", "[1]", "[0,8]"), 8, ": tensor t: data_offsets [0, 8], but its shape needs 4"},
    {ENTRY("F32", "[1]", "[4,8]"), 8,
     ": tensor t: starts at byte 4 of the values, the one before "
     "it ends at 0"},
    {ENTRY("F32", "[1]", "[9223372036854775804,9223372036854775807]"), 4,
     ": tensor t: data_offsets [9223372036854775804, 9223372036854775807], but its shape needs 4"},
    {ENTRY("F32", "[1]", "[0,4]"), 3, ": byte 62: 4 bytes of values promised, 3 there"},
    {ENTRY("F32", "[1]", "[0,4]"), 5, ": byte 62: 4 bytes of values promised, 5 there"},
    {"{\"t\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1],\"x\":1}}", 1,
     ": tensor t: more than dtype, shape and data_offsets in its entry"},
    {"{\"a\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[0,2]},"
     "\"b\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[1,3]}}",
     3, ": tensor b: starts at byte 1 of the values, the one before it ends at 2"},
    {"{\"a\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[0,2]},"
     "\"b\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[3,5]}}",
     5, ": tensor b: starts at byte 3 of the values, the one before it ends at 2"},
    {"{\"a\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[0,2]},"
     "\"b\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[0,2]}}",
     2, ": tensor b: starts at byte 0 of the values, the one before it ends at 2"},
};

static void test_corrupt_headers(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof headers / sizeof *headers; i++) {
        size_t length = strlen(headers[i].header);
        write_raw(length, headers[i].header, length, headers[i].data);
        expect_refused(headers[i].reason);
    }
}

static void test_corrupt_lengths(void **state) {
    (void)state;
    scratch_write(path, "", 0);
    expect_refused(": not a safetensors file: 0 bytes, the header's length alone takes 8");
    scratch_write(path, "1234567", 7);
    expect_refused(": not a safetensors file: 7 bytes, the header's length alone takes 8");
    write_raw(0, "", 0, 0);
    expect_refused(": not a safetensors file: the header at byte 8 does not start with {");
    write_raw(3, "{}", 2, 0);
    expect_refused(": byte 0: a header of 3 bytes promised, 2 there");
    write_raw(UINT64_MAX, "{}", 2, 0);
    expect_refused(": byte 0: a header of 18446744073709551615 bytes; at most 1048576 are read");
    write_raw(UINT64_C(1) << 63, "{}", 2, 0);
    expect_refused(": byte 0: a header of 9223372036854775808 bytes; at most 1048576 are read");
    write_raw(NINP_SAFETENSORS_HEADER + 1, "{}", 2, NINP_SAFETENSORS_HEADER);
    expect_refused(": byte 0: a header of 1048577 bytes; at most 1048576 are read");
}

/* The smallest files that are right, so that the reasons above are the only ones. */
static void test_least_files(void **state) {
    (void)state;
    static const char unsorted[] =
        "{\"b\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[1,3]},"
        "\"a\":{\"dtype\":\"BOOL\",\"shape\":[1],\"data_offsets\":[0,1]}}";
    const char *const right[] = {"{}",
                                 "{}   ",
                                 "{\"__metadata__\":{}}",
                                 ENTRY("F32", "[0]", "[0,0]"),
                                 ENTRY("F32", "[]", "[0,4]"),
                                 ENTRY("C64", "[2]", "[0,16]"),
                                 unsorted};
    const size_t data[] = {0, 0, 0, 0, 4, 16, 3};
    for (size_t i = 0; i < sizeof right / sizeof *right; i++) {
        write_raw(strlen(right[i]), right[i], strlen(right[i]), data[i]);
        ninp_safetensors *file;
        nin_error err = {0};
        if (ninp_safetensors_open(path, &file, &err) != NIN_OK) {
            fail_msg("%s: %s", right[i], err.message);
        }
        ninp_safetensors_close(file);
    }
}

/* `count` empty tensors with names of `name` letters. */
static void write_many(size_t count, int name) {
    char *header = malloc((size_t)8 << 20);
    assert_non_null(header);
    size_t used = 0;
    for (size_t i = 0; i < count; i++) {
        used += (size_t)sprintf(header + used,
                                "%c\"%0*zu\":{\"dtype\":\"U8\",\"shape\":[0],"
                                "\"data_offsets\":[0,0]}",
                                i ? ',' : '{', name, i);
    }
    header[used++] = '}';
    write_raw(used, header, used, 0);
    free(header);
}

static void test_limits(void **state) {
    (void)state;
    ninp_safetensors *file;
    write_many(NINP_SAFETENSORS_TENSORS, 4);
    assert_int_equal(ninp_safetensors_open(path, &file, NULL), NIN_OK);
    assert_int_equal(ninp_safetensors_count(file), NINP_SAFETENSORS_TENSORS);
    ninp_safetensors_close(file);
    write_many(NINP_SAFETENSORS_TENSORS + 1, 4);
    expect_refused(": 4097 tensors; at most 4096 are read");
    write_many(100000, 5);
    expect_refused(": byte 0: a header of ");
    write_many(1, NINP_SAFETENSORS_NAME);
    assert_int_equal(ninp_safetensors_open(path, &file, NULL), NIN_OK);
    ninp_safetensors_close(file);
    write_many(1, NINP_SAFETENSORS_NAME + 1);
    expect_refused(": tensor 0000000000000000000000000000000000000000000000000000000000000000000000"
                   "000000...: a name of 513 bytes; 1 to 512 are read");
}

/* Half a million brackets must not eat the stack. */
static void test_deep_nesting(void **state) {
    (void)state;
    enum { LENGTH = 1 << 19 };
    char *header = malloc(LENGTH);
    assert_non_null(header);
    static const char start[] = {'{', '"', 't', '"', ':'};
    memset(header, '[', LENGTH);
    memcpy(header, start, sizeof start);
    write_raw(LENGTH, header, LENGTH, 0);
    expect_refused(": byte 20: nested more than 8 deep");
    free(header);
}

static void test_no_such_file(void **state) {
    (void)state;
    ninp_safetensors *file;
    nin_error err = {0};
    assert_int_equal(ninp_safetensors_open(path, &file, &err), NIN_ERROR_NO_INPUT);
    assert_null(file);
    assert_int_equal(mkfifo(path, 0600), 0);
    expect_refused(": not a regular file");
    assert_int_equal(ninp_safetensors_open(directory, &file, NULL), NIN_ERROR_DATA);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reference_file),
        cmocka_unit_test_setup_teardown(test_round_trip, make_directory, remove_directory),
        cmocka_unit_test_setup_teardown(test_same_content_same_bytes, make_directory,
                                        remove_directory),
        cmocka_unit_test_setup_teardown(test_write_failures, make_directory, remove_directory),
        cmocka_unit_test_setup_teardown(test_truncated_at_every_byte, make_directory,
                                        remove_directory),
        cmocka_unit_test_setup_teardown(test_every_bit_flipped, make_directory, remove_directory),
        cmocka_unit_test_setup_teardown(test_foreign_bits_flipped, make_directory,
                                        remove_directory),
        cmocka_unit_test_setup_teardown(test_corrupt_headers, make_directory, remove_directory),
        cmocka_unit_test_setup_teardown(test_corrupt_lengths, make_directory, remove_directory),
        cmocka_unit_test_setup_teardown(test_least_files, make_directory, remove_directory),
        cmocka_unit_test_setup_teardown(test_limits, make_directory, remove_directory),
        cmocka_unit_test_setup_teardown(test_deep_nesting, make_directory, remove_directory),
        cmocka_unit_test_setup_teardown(test_no_such_file, make_directory, remove_directory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
