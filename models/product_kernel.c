/* Products of spikes with weights, whose cost follows the spikes, forwards and for the gradient.
 *
 * Compiled once as it is, and through itself once per floating-point type. Spikes are bytes of 0 and 1,
 * (rows, inputs); they become bits, WORD inputs of a row in a word. Bits are listed by chunks of CHUNK rows, then
 * by words, and in a word those rows first that have fewer spikes: `order` says which row of the chunk comes,
 * `counts` how many spikes it has in the word, `places` which they are. Loops of equal length then follow each
 * other, which a processor foresees. A word's weights and a chunk's rows stay in cache while they meet.
 *
 * For the gradient the bits are turned over and listed in the same way, inputs for rows and rows for inputs.
 * Sums are taken in the order of inputs (forwards) and of rows (backwards), each addition rounded by itself.
 */
#ifndef REAL

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define CHUNK 256
#define WORD 64
#define STRIP 16
#define VECTOR_BYTES 64
#define VECTORS 8 /* of a tile: what a row's sums take of the registers */

static ptrdiff_t least(ptrdiff_t a, ptrdiff_t b) { return a < b ? a : b; }
static ptrdiff_t words_of(ptrdiff_t bits) { return (bits + WORD - 1) / WORD; }

/* Bits (rows, words) of spikes (rows, inputs); returns how many spikes there are. */
ptrdiff_t spike_bits(const uint8_t *spikes, ptrdiff_t rows, ptrdiff_t inputs, uint64_t *bits) {
    ptrdiff_t found = 0;
    for (ptrdiff_t row = 0; row < rows; row++, spikes += inputs)
        for (ptrdiff_t first = 0; first < inputs; first += WORD, bits++) {
            uint64_t eights[WORD / 8] = {0}, word = 0;
            if (inputs - first >= WORD) memcpy(eights, spikes + first, WORD);
            else memcpy(eights, spikes + first, (size_t)(inputs - first));
            for (int k = 0; k < WORD / 8; k++) { /* byte j of eight becomes bit j, by one multiplication */
                uint64_t eight = eights[k] & 0x0101010101010101u;
                word |= (eight * 0x0102040810204080u >> 56) << 8 * k;
            }
            *bits = word;
            found += __builtin_popcountll(word);
        }
    return found;
}

/* The bits of the transpose, (inputs, words of rows); square by square, by halves (Warren, Hacker's Delight). */
void turn_bits(const uint64_t *bits, ptrdiff_t rows, ptrdiff_t inputs, uint64_t *turned) {
    ptrdiff_t across = words_of(inputs), down = words_of(rows);
    for (ptrdiff_t i = 0; i < down; i++)
        for (ptrdiff_t j = 0; j < across; j++) {
            uint64_t square[WORD] = {0}, mask = 0x00000000ffffffffu;
            for (ptrdiff_t k = 0; k < least(WORD, rows - i * WORD); k++)
                square[k] = bits[(i * WORD + k) * across + j];
            for (int width = WORD / 2; width; width /= 2, mask ^= mask << width)
                for (int half = 0; half < WORD; half += 2 * width)
                    for (int k = half; k < half + width; k++) {
                        uint64_t moved = (square[k] >> width ^ square[k + width]) & mask;
                        square[k] ^= moved << width;
                        square[k + width] ^= moved;
                    }
            for (ptrdiff_t k = 0; k < least(WORD, inputs - j * WORD); k++)
                turned[(j * WORD + k) * down + i] = square[k];
        }
}

/* List bits (rows, words of inputs), as above. */
void list_bits(const uint64_t *bits, ptrdiff_t rows, ptrdiff_t inputs, uint8_t *counts, uint8_t *order,
               uint8_t *places) {
    ptrdiff_t words = words_of(inputs);
    for (ptrdiff_t chunk = 0; chunk < rows; chunk += CHUNK)
        for (ptrdiff_t word = 0; word < words; word++) {
            const uint64_t *seen = bits + chunk * words + word;
            ptrdiff_t last = least(CHUNK, rows - chunk), starts[WORD + 2] = {0};
            for (ptrdiff_t row = 0; row < last; row++) starts[__builtin_popcountll(seen[row * words]) + 1]++;
            for (int count = 0; count < WORD; count++) starts[count + 1] += starts[count];
            for (ptrdiff_t row = 0; row < last; row++) {
                int count = __builtin_popcountll(seen[row * words]);
                counts[starts[count]] = (uint8_t)count;
                order[starts[count]++] = (uint8_t)row;
            }
            for (ptrdiff_t i = 0; i < last; i++)
                for (uint64_t left = seen[order[i] * words]; left; left &= left - 1)
                    *places++ = (uint8_t)__builtin_ctzll(left);
            counts += last, order += last;
        }
}

typedef struct {
    const uint8_t *counts, *order, *places;
} list;

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

/* Add to the first `last` of `rows`, `width` numbers each, what of `near` (WORD, TILE) their spikes point to. */
INLINE void NAME(meet)(list *at, REAL *rows, ptrdiff_t last, ptrdiff_t width, ptrdiff_t count, const REAL *near,
                       ptrdiff_t vectors, int empty) {
    const uint8_t *places = at->places;
    for (ptrdiff_t i = 0; i < last; i++) {
        NAME(vector) sums[VECTORS];
        const uint8_t *end = places + at->counts[i];
        REAL *row = rows + at->order[i] * width;
        if (places == end && !empty) continue;
        if (empty) memset(sums, 0, sizeof sums);
        else NAME(take)(sums, row, vectors, count);
        for (; places < end; places++) {
            const NAME(vector) *found = (const NAME(vector) *)(near + *places * TILE);
            for (ptrdiff_t v = 0; v < vectors; v++) sums[v] += found[v];
        }
        NAME(give)(row, sums, vectors, count);
    }
    at->counts += last, at->order += last, at->places = places;
}

/* One tile forwards: columns of the rows (rows, width), and weights (inputs, TILE). */
INLINE void NAME(add_weights)(list at, REAL *rows, ptrdiff_t height, ptrdiff_t width, ptrdiff_t count,
                              REAL *weights, ptrdiff_t inputs, ptrdiff_t vectors) {
    for (ptrdiff_t chunk = 0; chunk < height; chunk += CHUNK)
        for (ptrdiff_t first = 0; first < inputs; first += WORD)
            NAME(meet)(&at, rows + chunk * width, least(CHUNK, height - chunk), width, count,
                       weights + first * TILE, vectors, first == 0);
}

/* And backwards, by turned spikes; `near` has room for WORD rows of a tile. */
INLINE void NAME(add_rows)(list at, REAL *rows, ptrdiff_t height, ptrdiff_t width, ptrdiff_t count,
                           REAL *weights, ptrdiff_t inputs, ptrdiff_t vectors) {
    REAL near[WORD * TILE] __attribute__((aligned(VECTOR_BYTES)));
    for (ptrdiff_t chunk = 0; chunk < inputs; chunk += CHUNK)
        for (ptrdiff_t first = 0; first < height; first += WORD) {
            for (ptrdiff_t k = 0; k < least(WORD, height - first); k++) {
                NAME(vector) row[VECTORS];
                NAME(take)(row, rows + (first + k) * width, vectors, count);
                NAME(give)(near + k * TILE, row, vectors, vectors * LANES);
            }
            NAME(meet)(&at, weights + chunk * TILE, least(CHUNK, inputs - chunk), TILE, vectors * LANES, near,
                       vectors, first == 0);
        }
}

#define EACH_WIDTH(walk) \
    switch ((count + LANES - 1) / LANES) { \
        case 1: walk(at, rows, height, width, count, weights, inputs, 1); break; \
        case 2: walk(at, rows, height, width, count, weights, inputs, 2); break; \
        case 3: walk(at, rows, height, width, count, weights, inputs, 3); break; \
        case 4: walk(at, rows, height, width, count, weights, inputs, 4); break; \
        case 5: walk(at, rows, height, width, count, weights, inputs, 5); break; \
        case 6: walk(at, rows, height, width, count, weights, inputs, 6); break; \
        case 7: walk(at, rows, height, width, count, weights, inputs, 7); break; \
        default: walk(at, rows, height, width, count, weights, inputs, VECTORS); \
    }

static void NAME(tile)(list at, REAL *rows, ptrdiff_t height, ptrdiff_t width, ptrdiff_t count, REAL *weights,
                       ptrdiff_t inputs) {
    EACH_WIDTH(NAME(add_weights))
}

static void NAME(turned_tile)(list at, REAL *rows, ptrdiff_t height, ptrdiff_t width, ptrdiff_t count,
                              REAL *weights, ptrdiff_t inputs) {
    EACH_WIDTH(NAME(add_rows))
}

/* For every one of `networks`: sums (rows, width) = spikes (rows, inputs) times the transpose of weights
 * (width, inputs), each network's behind the other's. `scratch` has room for a tile of weights, (inputs, TILE),
 * aligned to VECTOR_BYTES. */
void NAME(spikes_times)(const uint8_t *counts, const uint8_t *order, const uint8_t *places, ptrdiff_t rows,
                        ptrdiff_t inputs, ptrdiff_t networks, const REAL *weights, REAL *sums, ptrdiff_t width,
                        REAL *scratch) {
    list at = {counts, order, places};
    for (; networks > 0; networks--, weights += width * inputs, sums += rows * width)
        for (ptrdiff_t column = 0; column < width; column += TILE) {
            ptrdiff_t count = least(TILE, width - column);
            EACH_OF_TILE scratch[j * TILE + i] = weights[(column + i) * inputs + j];
            NAME(tile)(at, sums + column, rows, width, count, scratch, inputs);
        }
}

/* The same backwards, of the turned list: weights (width, inputs) = the transpose of the matrix (rows, width)
 * times spikes. */
void NAME(times_spikes)(const uint8_t *counts, const uint8_t *order, const uint8_t *places, ptrdiff_t rows,
                        ptrdiff_t inputs, ptrdiff_t networks, REAL *matrix, REAL *weights, ptrdiff_t width,
                        REAL *scratch) {
    list at = {counts, order, places};
    for (; networks > 0; networks--, weights += width * inputs, matrix += rows * width)
        for (ptrdiff_t column = 0; column < width; column += TILE) {
            ptrdiff_t count = least(TILE, width - column);
            NAME(turned_tile)(at, matrix + column, rows, width, count, scratch, inputs);
            EACH_OF_TILE weights[(column + i) * inputs + j] = scratch[j * TILE + i];
        }
}

#endif
