/* The recurrence of leaky neurons over all time steps, forwards and backwards.
 *
 * Compiled once as it is, and through itself once per floating-point type: REAL and NAME are set below. Every
 * operation is the one that models/scan_steps.py and models/scan_adjoint.py state, in their order and each
 * rounded by itself, so that results are equal bit for bit; build with -ffp-contract=off.
 *
 * Arrays are (steps, width), time first: element j of step t is at t * stride + j, where stride may be 0 for
 * what is the same in every step. Constants are given per element: `lengths` says 1 (one for all) or width.
 */
#ifndef REAL

#include <stddef.h>

#define BLOCK 512
enum { SUBTRACT, ZERO, BLANK, NONE };
enum { FAST_SIGMOID, ARCTANGENT, TRIANGULAR, STRAIGHT_THROUGH, LEAKY_SPIKE_OPERATOR };

#define JOIN_(a, b) a##_##b
#define JOIN(a, b) JOIN_(a, b)
#define NAME(function) JOIN(function, REAL)

#define REAL float
#include "scan_kernel.c"
#undef REAL
#define REAL double
#include "scan_kernel.c"

#else

/* `count` values from `first` of a constant that is one number or one per element */
static void NAME(load)(REAL *out, const REAL *constant, ptrdiff_t length, ptrdiff_t first, ptrdiff_t count) {
    for (ptrdiff_t j = 0; j < count; j++) out[j] = length == 1 ? constant[0] : constant[first + j];
}

#define EACH for (ptrdiff_t j = 0; j < count; j++)

/* One step of one block: membrane potentials `m` and spikes `s` from those of the step before. */
static void NAME(step)(const REAL *restrict x, const REAL *restrict before, const REAL *restrict fired,
                       const REAL *restrict decay, const REAL *restrict threshold, REAL gain,
                       REAL *restrict m, REAL *restrict s, int reset, ptrdiff_t count) {
    switch (reset) {
    case SUBTRACT:
        EACH m[j] = (before[j] * decay[j] + gain * x[j]) - fired[j] * threshold[j];
        break;
    case ZERO:
        EACH {
            REAL kept = before[j] * decay[j];
            m[j] = (kept - kept * fired[j]) + gain * x[j];
        }
        break;
    case BLANK:
        EACH {
            REAL full = before[j] * decay[j] + gain * x[j];
            m[j] = full - full * fired[j];
        }
        break;
    default:
        EACH m[j] = before[j] * decay[j] + gain * x[j];
    }
    EACH s[j] = m[j] > threshold[j] ? (REAL)1 : (REAL)0;
}

void NAME(forward)(const REAL *currents, ptrdiff_t stride, REAL *membrane, REAL *spikes, ptrdiff_t steps,
                   ptrdiff_t width, const REAL *decay, const REAL *threshold, const ptrdiff_t *lengths,
                   double gain, int reset) {
    REAL decays[BLOCK], thresholds[BLOCK], zeros[BLOCK] = {0};
    for (ptrdiff_t first = 0; first < width; first += BLOCK) {
        ptrdiff_t count = width - first < BLOCK ? width - first : BLOCK;
        const REAL *before = zeros, *fired = zeros;
        NAME(load)(decays, decay, lengths[0], first, count);
        NAME(load)(thresholds, threshold, lengths[1], first, count);
        for (ptrdiff_t t = 0; t < steps; t++) {
            REAL *m = membrane + t * width + first, *s = spikes + t * width + first;
            NAME(step)(currents + t * stride + first, before, fired, decays, thresholds, (REAL)gain, m, s,
                       reset, count);
            before = m, fired = s;
        }
    }
}

/* rows[t] += following * factor, factor = decay where the step's spikes let the gradient pass */
static void NAME(carry)(REAL *restrict row, const REAL *restrict following, const REAL *restrict decay,
                        const REAL *restrict spikes, int reset, ptrdiff_t count) {
    if (reset == ZERO || reset == BLANK)
        EACH row[j] += following[j] * (((REAL)1 - spikes[j]) * decay[j]);
    else
        EACH row[j] += following[j] * decay[j];
}

void NAME(decay_back)(REAL *rows, const REAL *spikes, ptrdiff_t steps, ptrdiff_t width, const REAL *decay,
                      ptrdiff_t length, int reset) {
    REAL decays[BLOCK];
    for (ptrdiff_t first = 0; first < width; first += BLOCK) {
        ptrdiff_t count = width - first < BLOCK ? width - first : BLOCK;
        NAME(load)(decays, decay, length, first, count);
        for (ptrdiff_t t = steps - 2; t >= 0; t--) {
            REAL *row = rows + t * width + first;
            NAME(carry)(row, row + width, decays, spikes + t * width + first, reset, count);
        }
    }
}

/* row = surrogate(m - threshold) * grad; `inner` and `outer` are the surrogate's constants */
static void NAME(local)(REAL *restrict row, const REAL *restrict grad, const REAL *restrict m,
                        const REAL *restrict threshold, const REAL *restrict inner,
                        const REAL *restrict outer, int surrogate, ptrdiff_t count) {
    const REAL one = 1, none = 0;
    switch (surrogate) {
    case FAST_SIGMOID:
        EACH {
            REAL u = m[j] - threshold[j], wide = (u < none ? -u : u) * inner[j] + one;
            row[j] = one / (wide * wide) * grad[j];
        }
        break;
    case ARCTANGENT:
        EACH {
            REAL u = (m[j] - threshold[j]) * inner[j];
            row[j] = one / (u * u + one) * outer[j] * grad[j];
        }
        break;
    case TRIANGULAR:
        EACH {
            REAL u = m[j] - threshold[j], height = (u < none ? -u : u) * -inner[j] + one;
            row[j] = (height < none ? none : height) * grad[j];
        }
        break;
    case LEAKY_SPIKE_OPERATOR:
        EACH {
            REAL above = m[j] - threshold[j] > none ? one : none;
            row[j] = (above + (one - above) * inner[j]) * grad[j];
        }
        break;
    default:
        EACH row[j] = inner[j] * grad[j];
    }
}

/* Gradients of all steps into `rows`; or, where `total` is given, only their sum (width), last step first. */
void NAME(backward)(const REAL *grads, ptrdiff_t stride, const REAL *membrane, const REAL *spikes, REAL *rows,
                    REAL *total, ptrdiff_t steps, ptrdiff_t width, const REAL *decay, const REAL *threshold,
                    const REAL *inner, const REAL *outer, const ptrdiff_t *lengths, int reset, int surrogate) {
    REAL decays[BLOCK], thresholds[BLOCK], inners[BLOCK], outers[BLOCK], passing[2][BLOCK];
    for (ptrdiff_t first = 0; first < width; first += BLOCK) {
        ptrdiff_t count = width - first < BLOCK ? width - first : BLOCK;
        NAME(load)(decays, decay, lengths[0], first, count);
        NAME(load)(thresholds, threshold, lengths[1], first, count);
        NAME(load)(inners, inner, lengths[2], first, count);
        NAME(load)(outers, outer, lengths[3], first, count);
        for (ptrdiff_t t = steps - 1; t >= 0; t--) {
            REAL *row = total ? passing[t % 2] : rows + t * width + first;
            const REAL *following = total ? passing[(t + 1) % 2] : row + width;
            NAME(local)(row, grads + t * stride + first, membrane + t * width + first, thresholds, inners,
                        outers, surrogate, count);
            if (t < steps - 1)
                NAME(carry)(row, following, decays, spikes + t * width + first, reset, count);
            if (total) EACH total[first + j] += row[j];
        }
    }
}

/* The same for `rows` of (steps, width) behind each other, with one value of every constant a row. Currents and
 * gradients of stride 0 are (rows, width), as `totals` is. A row stays in the cache throughout.
 */
void NAME(forward_rows)(const REAL *currents, ptrdiff_t stride, REAL *membrane, REAL *spikes, ptrdiff_t rows,
                        ptrdiff_t steps, ptrdiff_t width, const REAL *decay, const REAL *threshold,
                        int reset) {
    const ptrdiff_t lengths[] = {1, 1}, size = steps * width, given = stride ? size : width;
    for (ptrdiff_t r = 0; r < rows; r++)
        NAME(forward)(currents + r * given, stride, membrane + r * size, spikes + r * size, steps, width,
                      decay + r, threshold + r, lengths, 1.0, reset);
}

void NAME(backward_rows)(const REAL *grads, ptrdiff_t stride, const REAL *membrane, const REAL *spikes,
                         REAL *found, REAL *totals, ptrdiff_t rows, ptrdiff_t steps, ptrdiff_t width,
                         const REAL *decay, const REAL *threshold, const REAL *inner, const REAL *outer,
                         int reset, int surrogate) {
    const ptrdiff_t lengths[] = {1, 1, 1, 1}, size = steps * width, given = stride ? size : width;
    for (ptrdiff_t r = 0; r < rows; r++)
        NAME(backward)(grads + r * given, stride, membrane + r * size, spikes + r * size,
                       found ? found + r * size : NULL, totals ? totals + r * width : NULL, steps, width,
                       decay + r, threshold + r, inner + r, outer + r, lengths, reset, surrogate);
}

#endif
