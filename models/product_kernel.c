/* Products of spikes with weights, whose cost follows the spikes, forwards and for the gradient.
 *
 * Compiled once as it is, and through itself once per floating-point type. Spikes are bytes of 0 and 1,
 * (rows, inputs). They are listed by chunks of CHUNK rows, then by blocks of BLOCK inputs, in a block row
 * by row: `counts` says how many spikes a row has in a block, `places` which inputs of the block they are. A
 * block's weights and a chunk's rows stay in cache while they meet. Sums are taken in the order of inputs
 * (forwards) and of rows (backwards), each addition rounded by itself.
 */
#ifndef REAL

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define CHUNK 256
#define BLOCK 64
#define STRIP 16
#define VECTOR_BYTES 64
#define VECTORS 8 /* of a tile: what a row's sums take of the registers */

static ptrdiff_t least(ptrdiff_t a, ptrdiff_t b) { return a < b ? a : b; }

/* Inputs that spike, as above. `places` has 8 bytes more than there are spikes. */
void list_spikes(const uint8_t *spikes, ptrdiff_t rows, ptrdiff_t inputs, uint8_t *counts, uint8_t *places) {
    uint64_t packed[256]; /* for every pattern of 8 inputs, the places of its spikes, one a byte */
    uint8_t sizes[256];
    for (int pattern = 0; pattern < 256; pattern++) {
        packed[pattern] = 0, sizes[pattern] = 0;
        for (int bit = 0; bit < 8; bit++)
            if (pattern >> bit & 1) packed[pattern] |= (uint64_t)bit << 8 * sizes[pattern]++;
    }
    for (ptrdiff_t chunk = 0; chunk < rows; chunk += CHUNK)
        for (ptrdiff_t first = 0; first < inputs; first += BLOCK)
            for (ptrdiff_t row = chunk; row < least(chunk + CHUNK, rows); row++) {
                const uint8_t *seen = spikes + row * inputs + first, *start = places;
                ptrdiff_t width = least(BLOCK, inputs - first);
                for (ptrdiff_t place = 0; place < width; place += 8) {
                    uint64_t eight = 0, found;
                    if (width - place >= 8) memcpy(&eight, seen + place, 8);
                    else memcpy(&eight, seen + place, (size_t)(width - place));
                    eight &= 0x0101010101010101u; /* other values must not write beyond `places` */
                    uint64_t pattern = eight * 0x0102040810204080u >> 56; /* byte k becomes bit k */
                    found = packed[pattern] + (uint64_t)place * 0x0101010101010101u;
                    memcpy(places, &found, 8);
                    places += sizes[pattern];
                }
                *counts++ = (uint8_t)(places - start);
            }
}

#define JOIN_(a, b) a##_##b
#define JOIN(a, b) JOIN_(a, b)
#define NAME(function) JOIN(function, REAL)
#define INLINE static inline __attribute__((always_inline))
#define LANES (ptrdiff_t)(VECTOR_BYTES / sizeof(REAL))
#define TILE (VECTORS * LANES)

#define EACH_OF_TILE /* some inputs at a time, as both orders of the weights are touched */ \
    for (ptrdiff_t first = 0; first < inputs; first += STRIP) \
        for (ptrdiff_t i = 0; i < count; i++) \
            for (ptrdiff_t j = first; j < least(first + STRIP, inputs); j++)

#define REAL float
#include "product_kernel.c"
#undef REAL
#define REAL double
#include "product_kernel.c"

#else

typedef REAL NAME(vector) __attribute__((vector_size(VECTOR_BYTES), aligned(sizeof(REAL)), may_alias));

/* `count` of a row's values in `vectors` registers, and back */
INLINE void NAME(take)(NAME(vector) *sums, const REAL *row, ptrdiff_t vectors, ptrdiff_t count) {
    for (ptrdiff_t v = 0; v < vectors - 1; v++) sums[v] = *(const NAME(vector) *)(row + v * LANES);
    ptrdiff_t rest = count - (vectors - 1) * LANES;
    row += count - rest;
    if (rest == LANES) {
        sums[vectors - 1] = *(const NAME(vector) *)row;
    } else {
        REAL part[VECTOR_BYTES / sizeof(REAL)] = {0};
        memcpy(part, row, (size_t)rest * sizeof(REAL));
        sums[vectors - 1] = *(const NAME(vector) *)part;
    }
}

INLINE void NAME(give)(REAL *row, const NAME(vector) *sums, ptrdiff_t vectors, ptrdiff_t count) {
    for (ptrdiff_t v = 0; v < vectors - 1; v++) *(NAME(vector) *)(row + v * LANES) = sums[v];
    ptrdiff_t rest = count - (vectors - 1) * LANES;
    row += count - rest;
    if (rest == LANES) {
        *(NAME(vector) *)row = sums[vectors - 1];
    } else {
        REAL part[VECTOR_BYTES / sizeof(REAL)];
        *(NAME(vector) *)part = sums[vectors - 1];
        memcpy(row, part, (size_t)rest * sizeof(REAL));
    }
}

typedef struct {
    const uint8_t *counts, *places;
    ptrdiff_t rows, inputs; /* of the spikes */
    ptrdiff_t width;        /* numbers in a row of the matrix that meets them */
} NAME(list);

/* Add a block's weights to the rows, or (`back`) the rows to the block's weights, at every spike. */
INLINE const uint8_t *NAME(meet)(const NAME(list) *at, REAL *rows, ptrdiff_t last, ptrdiff_t count,
                                 REAL *weights, ptrdiff_t vectors, int back, int empty) {
    const uint8_t *places = at->places;
    for (ptrdiff_t row = 0; row < last; row++, rows += at->width) {
        NAME(vector) sums[VECTORS];
        const uint8_t *end = places + at->counts[row];
        if (places == end && !empty) continue;
        if (empty) memset(sums, 0, sizeof sums);
        else NAME(take)(sums, rows, vectors, count);
        for (; places < end; places++) {
            NAME(vector) *weight = (NAME(vector) *)(weights + *places * TILE);
            for (ptrdiff_t v = 0; v < vectors; v++) {
                if (back) weight[v] += sums[v];
                else sums[v] += weight[v];
            }
        }
        if (!back) NAME(give)(rows, sums, vectors, count);
    }
    return places;
}

/* All chunks and blocks of one tile: columns of the rows (rows, width) and weights (inputs, TILE). */
INLINE void NAME(walk)(NAME(list) at, REAL *rows, ptrdiff_t count, REAL *weights, ptrdiff_t vectors,
                       int back) {
    for (ptrdiff_t chunk = 0; chunk < at.rows; chunk += CHUNK) {
        ptrdiff_t last = least(CHUNK, at.rows - chunk);
        for (ptrdiff_t first = 0; first < at.inputs; first += BLOCK, at.counts += last)
            at.places = NAME(meet)(&at, rows + chunk * at.width, last, count, weights + first * TILE, vectors,
                                   back, !back && first == 0);
    }
}

static void NAME(tile)(NAME(list) at, REAL *rows, ptrdiff_t count, REAL *weights, int back) {
#define CASE(n) case n: NAME(walk)(at, rows, count, weights, n, back); break
    switch ((count + LANES - 1) / LANES) {
        CASE(1); CASE(2); CASE(3); CASE(4); CASE(5); CASE(6); CASE(7);
    default: NAME(walk)(at, rows, count, weights, VECTORS, back);
    }
#undef CASE
}

/* For every one of `networks`: sums (rows, width) = spikes (rows, inputs) times the transpose of weights
 * (width, inputs), each network's behind the other's. `scratch` has room for a tile of weights, (inputs, TILE),
 * aligned to VECTOR_BYTES. */
void NAME(spikes_times)(const uint8_t *counts, const uint8_t *places, ptrdiff_t rows, ptrdiff_t inputs,
                        ptrdiff_t networks, const REAL *weights, REAL *sums, ptrdiff_t width, REAL *scratch) {
    NAME(list) at = {counts, places, rows, inputs, width};
    for (; networks > 0; networks--, weights += width * inputs, sums += rows * width)
        for (ptrdiff_t column = 0; column < width; column += TILE) {
            ptrdiff_t count = least(TILE, width - column);
            EACH_OF_TILE scratch[j * TILE + i] = weights[(column + i) * inputs + j];
            NAME(tile)(at, sums + column, count, scratch, 0);
        }
}

/* The same backwards: weights (width, inputs) = the transpose of the matrix (rows, width) times spikes. */
void NAME(times_spikes)(const uint8_t *counts, const uint8_t *places, ptrdiff_t rows, ptrdiff_t inputs,
                        ptrdiff_t networks, REAL *matrix, REAL *weights, ptrdiff_t width, REAL *scratch) {
    NAME(list) at = {counts, places, rows, inputs, width};
    for (; networks > 0; networks--, weights += width * inputs, matrix += rows * width)
        for (ptrdiff_t column = 0; column < width; column += TILE) {
            ptrdiff_t count = least(TILE, width - column);
            memset(scratch, 0, (size_t)(inputs * TILE) * sizeof(REAL));
            NAME(tile)(at, matrix + column, count, scratch, 1);
            EACH_OF_TILE weights[(column + i) * inputs + j] = scratch[j * TILE + i];
        }
}

#endif
