/* Pictures of ten kinds of shapes and patterns, drawn from the seed, for trying things without
 * data.
 *
 * Integer arithmetic only, so that the bits are the same on every machine. Points of the picture
 * are in 1/256 of a pixel; a shape is described in its own coordinates, where it has a radius of
 * 1024 about (0, 0), v grows downwards, and it may be tilted. A pixel counts how many of its 4 x 4
 * sample points lie in the shape. */
#include "base/error.h"
#include "base/memory.h"
#include "base/random.h"
#include "data/reader.h"

#include <string.h>

enum {
    SIDE = 28,   /* pixels */
    PIXEL = 256, /* units */
    RADIUS = 1024,
    SAMPLES = 4, /* a side of a pixel */
    TRAIN_COUNT = 6000,
    TEST_COUNT = 1000,
    SMALLEST = 6 * PIXEL, /* radius in the picture */
    LARGEST = 12 * PIXEL
};

/* ---- shapes ----------------------------------------------------------------------------- */

static bool in_circle(int u, int v) {
    return u * u + v * v <= RADIUS * RADIUS;
}

static bool in_ring(int u, int v) {
    return in_circle(u, v) && u * u + v * v >= 600 * 600;
}

static bool in_square(int u, int v) {
    return u >= -850 && u <= 850 && v >= -850 && v <= 850;
}

/* Equilateral, point up: height 1.5 RADIUS; 1774 / 1024 is the slope of its sides, sqrt(3). */
static bool in_triangle(int u, int v) {
    int across = u < 0 ? -u : u;
    return v <= RADIUS / 2 && across * 1774 <= (v + RADIUS) * 1024;
}

static bool in_cross(int u, int v) {
    bool upright = u >= -280 && u <= 280 && v >= -RADIUS && v <= RADIUS;
    bool level = v >= -280 && v <= 280 && u >= -RADIUS && u <= RADIUS;
    return upright || level;
}

/* A pentagram: the five lines through its points are cos(72 degrees) RADIUS = 316 from the centre,
 * and a point lies in it when it is on the inner side of at least four of them. */
static bool in_star(int u, int v) {
    static const int directions[5][2] = {
        {0, -1024}, {974, -316}, {602, 828}, {-602, 828}, {-974, -316}};
    int inner = 0;
    for (int i = 0; i < 5; i++) {
        inner += u * directions[i][0] + v * directions[i][1] <= 316 * 1024;
    }
    return inner >= 4;
}

/* Stripes of half a radius fill the picture. The offset keeps the division's operand positive. */
static int stripe(int w) {
    return (w + 256 * RADIUS) / (RADIUS / 2) & 1;
}

static bool in_horizontal(int u, int v) {
    (void)u;
    return stripe(v);
}

static bool in_vertical(int u, int v) {
    (void)v;
    return stripe(u);
}

static bool in_diagonal(int u, int v) {
    return stripe((u + v) * 724 / 1024); /* 724 / 1024 = sqrt(1/2) */
}

static bool in_checkerboard(int u, int v) {
    return stripe(u) != stripe(v);
}

const char *const ninp_drawn_class_names[NINP_DRAWN_CLASSES] = {"circle",
                                                                "ring",
                                                                "square",
                                                                "triangle",
                                                                "cross",
                                                                "star",
                                                                "horizontal stripes",
                                                                "vertical stripes",
                                                                "diagonal stripes",
                                                                "checkerboard"};

/* Tilts are tan(angle / 2) * 1024 of the largest angle: what a shape's symmetry leaves to tell
 * apart, or about 12 degrees for the patterns whose direction is what they are. */
static const struct {
    bool (*inside)(int u, int v);
    int tilt;
} shapes[NINP_DRAWN_CLASSES] = {{in_circle, 0},        {in_ring, 0},       {in_square, 424},
                                {in_triangle, 591},    {in_cross, 424},    {in_star, 333},
                                {in_horizontal, 108},  {in_vertical, 108}, {in_diagonal, 108},
                                {in_checkerboard, 108}};

/* ---- drawing ---------------------------------------------------------------------------- */

/* A point (x, y) of the picture is (u, v) of the shape:
 * u = ((x - centre_x) * cosine + (y - centre_y) * sine) / 65536, v alike. */
typedef struct placement {
    int centre_x, centre_y;
    int cosine, sine;
} placement;

static int between(ninp_random *random, int low, int high) {
    return low + (int)ninp_random_below(random, (uint32_t)(high - low + 1));
}

/* cosine and sine of the tilt from t = tan(angle / 2), which needs no tables: cos = (1 - t^2) /
 * (1 + t^2), sin = 2t / (1 + t^2); both scaled to the shape's radius. */
static placement place(ninp_random *random, int tilt) {
    int radius = between(random, SMALLEST, LARGEST);
    int centre_x = between(random, radius, SIDE * PIXEL - radius);
    int centre_y = between(random, radius, SIDE * PIXEL - radius);
    int64_t t = between(random, -tilt, tilt);
    int64_t one = (int64_t)1024 * 1024;
    int64_t scale = (int64_t)RADIUS * 65536;
    return (placement){.centre_x = centre_x,
                       .centre_y = centre_y,
                       .cosine = (int)((one - t * t) * scale / ((one + t * t) * radius)),
                       .sine = (int)(2048 * t * scale / ((one + t * t) * radius))};
}

/* How many of a pixel's sample points lie in the shape, 0 to SAMPLES * SAMPLES. */
static int coverage(bool (*inside)(int u, int v), const placement *p, int column, int row) {
    int covered = 0;
    for (int i = 0; i < SAMPLES * SAMPLES; i++) {
        int step = PIXEL / SAMPLES;
        int64_t x = column * PIXEL + i % SAMPLES * step + step / 2 - p->centre_x;
        int64_t y = row * PIXEL + i / SAMPLES * step + step / 2 - p->centre_y;
        int u = (int)((x * p->cosine + y * p->sine) / 65536);
        int v = (int)((y * p->cosine - x * p->sine) / 65536);
        covered += inside(u, v);
    }
    return covered;
}

static uint8_t clip(int value) {
    return (uint8_t)(value < 0 ? 0 : value > 255 ? 255 : value);
}

static void draw(uint64_t seed, nin_split split, size_t index, int class, uint8_t *pixels) {
    ninp_random random = ninp_random_start(seed, NINP_RANDOM_DRAWN, (uint32_t)split, index);
    placement p = place(&random, shapes[class].tilt);
    int ground = between(&random, 0, 99);
    int contrast = between(&random, 60, 155);
    int noise = between(&random, 0, 40);
    for (int i = 0; i < SIDE * SIDE; i++) {
        int covered = coverage(shapes[class].inside, &p, i % SIDE, i / SIDE);
        int value = ground + contrast * covered / (SAMPLES * SAMPLES);
        /* The sum of two bytes: a triangle between -noise and noise. */
        uint32_t word = ninp_random_word(&random);
        int jitter = (int)(word & 255) + (int)(word >> 8 & 255) - 255;
        pixels[i] = clip(value + jitter * noise / 256);
    }
}

static bool drawn_accepts(const char *place) {
    return strcmp(place, ninp_reader_drawn.name) == 0;
}

static nin_status drawn_read(const ninp_request *request, ninp_pictures *pictures, nin_error *err) {
    const nin_dataset_options *options = &request->options;
    size_t count = options->drawn_count;
    if (count == 0) {
        count = options->split == NIN_SPLIT_TRAIN ? TRAIN_COUNT : TEST_COUNT;
    }
    if (options->limit > 0 && options->limit < count) {
        count = options->limit;
    }
    if (count > NINP_PICTURES_LIMIT) {
        return ninp_fail(err, NIN_ERROR_ARGUMENT, "drawn: %zu pictures are too many", count);
    }
    nin_status status = ninp_pictures_create(count, 1, SIDE, SIDE, pictures, err);
    if (status != NIN_OK) {
        return status;
    }
    pictures->classes = NINP_DRAWN_CLASSES;
    for (size_t i = 0; i < count; i++) {
        int class = (int)(i % NINP_DRAWN_CLASSES);
        pictures->labels[i] = class;
        draw(options->seed, options->split, i, class, pictures->pixels + i * SIDE * SIDE);
    }
    return NIN_OK;
}

const ninp_reader ninp_reader_drawn = {
    .name = "drawn", .accepts = drawn_accepts, .read = drawn_read};
