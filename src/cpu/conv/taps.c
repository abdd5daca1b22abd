#include "cpu/conv/taps.h"

size_t ninp_taps_bytes(int taps) {
    return ((size_t)taps * 3 * sizeof(ptrdiff_t) + 63) / 64 * 64;
}

ninp_taps ninp_taps_start(int taps, void *space) {
    ptrdiff_t *lists = space;
    return (ninp_taps){.numbers = lists, .places = lists + taps, .b_places = lists + 2 * taps};
}

void ninp_taps_add(ninp_taps *taps, int number, ptrdiff_t place) {
    taps->numbers[taps->count] = number;
    taps->places[taps->count] = place;
    taps->count++;
}

/* Packed filters hold whole blocks of 16 channels first, then what is left (kernel/conv.h): one
 * product each. */
typedef struct channel_part {
    int first, blocks; /* of channels */
    int width;         /* of each block */
} channel_part;

static channel_part whole_part(const ninp_filters *filters) {
    return (channel_part){0, filters->channels / 16, 16};
}
static channel_part last_part(const ninp_filters *filters) {
    return (channel_part){filters->channels / 16, filters->channels % 16 != 0,
                          filters->channels % 16};
}

static void set_left(const ninp_taps *taps, channel_part part, ninp_gemm_left *a) {
    a->values += part.first * a->chunk_stride;
    a->depth = part.blocks * taps->count * part.width;
    a->width = part.width;
    a->places = taps->places;
    a->place_count = taps->count;
    for (int i = 0; i < taps->count; i++) {
        taps->b_places[i] = taps->numbers[i] * part.width * 16;
    }
}

void ninp_taps_multiply(const ninp_gemm_kernels *gemm, const ninp_filters *filters,
                        const ninp_taps *taps, ninp_gemm_product product) {
    const channel_part parts[2] = {whole_part(filters), last_part(filters)};
    for (int i = 0; i < 2; i++) {
        if (parts[i].blocks == 0) {
            continue;
        }
        ninp_gemm_product p = product;
        set_left(taps, parts[i], &p.a);
        p.b += ninp_filter_place(filters, parts[i].first, 0);
        p.b_block_stride = (ptrdiff_t)ninp_filter_block(filters);
        p.b_chunk_stride = (ptrdiff_t)filters->taps * 16 * 16;
        p.b_places = taps->b_places;
        if (i == 0 && parts[1].blocks > 0) {
            p.finish = NINP_GEMM_STORE;
        }
        if (i == 1 && parts[0].blocks > 0) {
            p.start = NINP_GEMM_ADD;
        }
        gemm->multiply(&p);
    }
}

void ninp_taps_gradient(const ninp_gemm_kernels *gemm, const ninp_filters *filters,
                        const ninp_taps *taps, ninp_gemm_gradient gradient) {
    const channel_part parts[2] = {whole_part(filters), last_part(filters)};
    for (int i = 0; i < 2; i++) {
        if (parts[i].blocks == 0) {
            continue;
        }
        ninp_gemm_gradient g = gradient;
        set_left(taps, parts[i], &g.a);
        g.b += ninp_filter_place(filters, parts[i].first, 0);
        g.b_block_stride = (ptrdiff_t)ninp_filter_block(filters);
        g.b_chunk_stride = (ptrdiff_t)filters->taps * 16 * 16;
        g.b_places = taps->b_places;
        g.sums = i == 0 || parts[0].blocks == 0 ? gradient.sums : NULL;
        gemm->gradient(&g);
    }
}
