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

#define EACH _Pragma("GCC ivdep") for (ptrdiff_t j = 0; j < count; j++)

/* One step of one block: membrane potentials `m` and spikes `s` from those of the step before. `m` may lie
 * where the currents `x` do. */
static void NAME(step)(const REAL *x, const REAL *restrict before, const REAL *restrict fired,
                       const REAL *restrict decay, const REAL *restrict threshold, REAL gain,
                       REAL *m, REAL *restrict s, int reset, ptrdiff_t count) {
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
                        const REAL *restrict m, const REAL *restrict threshold, int reset, ptrdiff_t count) {
    const REAL one = 1, none = 0;
    if (reset == ZERO || reset == BLANK)
        EACH row[j] += following[j] * ((one - (m[j] > threshold[j] ? one : none)) * decay[j]);
    else
        EACH row[j] += following[j] * decay[j];
}

void NAME(decay_back)(REAL *rows, const REAL *membrane, ptrdiff_t steps, ptrdiff_t width, const REAL *decay,
                      const REAL *threshold, const ptrdiff_t *lengths, int reset) {
    REAL decays[BLOCK], thresholds[BLOCK];
    for (ptrdiff_t first = 0; first < width; first += BLOCK) {
        ptrdiff_t count = width - first < BLOCK ? width - first : BLOCK;
        NAME(load)(decays, decay, lengths[0], first, count);
        NAME(load)(thresholds, threshold, lengths[1], first, count);
        for (ptrdiff_t t = steps - 2; t >= 0; t--) {
            REAL *row = rows + t * width + first;
            NAME(carry)(row, row + width, decays, membrane + t * width + first, thresholds, reset, count);
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
void NAME(backward)(const REAL *grads, ptrdiff_t stride, const REAL *membrane, REAL *rows, REAL *total,
                    ptrdiff_t steps, ptrdiff_t width, const REAL *decay, const REAL *threshold,
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
                NAME(carry)(row, following, decays, membrane + t * width + first, thresholds, reset, count);
            if (total) EACH total[first + j] += row[j];
        }
    }
}

/* One step of `forward`, of currents that may lie where the membrane potentials `m` go. */
void NAME(step_forward)(const REAL *currents, const REAL *before, const REAL *fired, REAL *m, REAL *spikes,
                        const REAL *decay, const REAL *threshold, const ptrdiff_t *lengths, ptrdiff_t width,
                        int reset) {
    REAL decays[BLOCK], thresholds[BLOCK];
    for (ptrdiff_t first = 0; first < width; first += BLOCK) {
        ptrdiff_t count = width - first < BLOCK ? width - first : BLOCK;
        NAME(load)(decays, decay, lengths[0], first, count);
        NAME(load)(thresholds, threshold, lengths[1], first, count);
        NAME(step)(currents + first, before + first, fired + first, decays, thresholds, 1, m + first,
                   spikes + first, reset, count);
    }
}

/* One step of `backward`, where the step `following`, if there is one, also gave gradients `back` for the
 * spikes of this one. */
void NAME(step_backward)(const REAL *grads, const REAL *back, const REAL *following, const REAL *m, REAL *row,
                         const REAL *decay, const REAL *threshold, const REAL *inner, const REAL *outer,
                         const ptrdiff_t *lengths, ptrdiff_t width, int surrogate) {
    REAL decays[BLOCK], thresholds[BLOCK], inners[BLOCK], outers[BLOCK], own[BLOCK];
    for (ptrdiff_t first = 0; first < width; first += BLOCK) {
        ptrdiff_t count = width - first < BLOCK ? width - first : BLOCK;
        NAME(load)(decays, decay, lengths[0], first, count);
        NAME(load)(thresholds, threshold, lengths[1], first, count);
        NAME(load)(inners, inner, lengths[2], first, count);
        NAME(load)(outers, outer, lengths[3], first, count);
        NAME(local)(row + first, grads + first, m + first, thresholds, inners, outers, surrogate, count);
        if (!following) continue;
        NAME(carry)(row + first, following + first, decays, m + first, thresholds, NONE, count);
        NAME(local)(own, back + first, m + first, thresholds, inners, outers, surrogate, count);
        EACH row[first + j] += own[j];
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

void NAME(backward_rows)(const REAL *grads, ptrdiff_t stride, const REAL *membrane, REAL *found,
                         REAL *totals, ptrdiff_t rows, ptrdiff_t steps, ptrdiff_t width, const REAL *decay,
                         const REAL *threshold, const REAL *inner, const REAL *outer,
                         int reset, int surrogate) {
    const ptrdiff_t lengths[] = {1, 1, 1, 1}, size = steps * width, given = stride ? size : width;
    for (ptrdiff_t r = 0; r < rows; r++)
        NAME(backward)(grads + r * given, stride, membrane + r * size,
                       found ? found + r * size : NULL, totals ? totals + r * width : NULL, steps, width,
                       decay + r, threshold + r, inner + r, outer + r, lengths, reset, surrogate);
}

/* 2x2 max-pooling: frames of `rows` rows of `columns` neurons of `channels` channels. A pair of rows at a time
 * runs through all steps, so that spikes before the pooling are never written out. */
#define PAIRS \
    for (ptrdiff_t first = 0, row = 0; first < width; first += count, row = (row + 2) % (rows + rows % 2))
#define WINDOWS for (ptrdiff_t column = 0; column < columns / 2 * 2; column += 2)
#define CHANNELS _Pragma("GCC ivdep") for (ptrdiff_t c = 0; c < channels; c++)

/* As `forward`, with spikes pooled; `scratch` has room for 5 pairs of rows. */
void NAME(forward_pooled)(const REAL *currents, ptrdiff_t stride, REAL *membrane, REAL *pooled,
                          ptrdiff_t steps, ptrdiff_t width, const REAL *decay, const REAL *threshold, const ptrdiff_t *lengths,
                          double gain, int reset, ptrdiff_t rows, ptrdiff_t columns, ptrdiff_t channels,
                          REAL *scratch) {
    ptrdiff_t line = columns * channels, pair = 2 * line, count;
    ptrdiff_t half = columns / 2 * channels, frame = rows / 2 * half, frames = width / (rows * line);
    REAL *decays = scratch, *thresholds = decays + pair, *zeros = thresholds + pair;
    REAL *spikes[2] = {zeros + pair, zeros + 2 * pair};
    for (ptrdiff_t j = 0; j < pair; j++) zeros[j] = 0;
    PAIRS {
        count = row + 1 < rows ? pair : line;
        const REAL *before = zeros, *fired = zeros;
        REAL *out = pooled + first / (rows * line) * frame + row / 2 * half;
        NAME(load)(decays, decay, lengths[0], first, count);
        NAME(load)(thresholds, threshold, lengths[1], first, count);
        for (ptrdiff_t t = 0; t < steps; t++, out += frames * frame) {
            REAL *m = membrane + t * width + first, *s = spikes[t % 2];
            NAME(step)(currents + t * stride + first, before, fired, decays, thresholds, (REAL)gain, m, s,
                       reset, count);
            before = m, fired = s;
            if (count == line) continue;
            WINDOWS {
                const REAL *restrict a = s + column * channels, *restrict b = a + line;
                REAL *restrict p = out + column / 2 * channels;
                CHANNELS {
                    REAL above = a[c] > a[c + channels] ? a[c] : a[c + channels];
                    REAL below = b[c] > b[c + channels] ? b[c] : b[c + channels];
                    p[c] = above > below ? above : below;
                }
            }
        }
    }
}

/* A pair of rows of gradients from those of the pooled spikes: all to the first spike of a window, or to the
 * first neuron of a silent one. */
static void NAME(unpool)(REAL *grads, const REAL *pooled, const REAL *m, const REAL *threshold,
                         ptrdiff_t columns, ptrdiff_t channels) {
    const REAL none = 0;
    ptrdiff_t line = columns * channels;
    if (columns % 2)
        for (ptrdiff_t j = line - channels; j < line; j++) grads[j] = grads[j + line] = 0;
    WINDOWS {
        ptrdiff_t at = column * channels;
        const REAL *restrict u = m + at, *restrict v = u + line, *restrict p = pooled + at / 2;
        const REAL *restrict x = threshold + at, *restrict y = x + line;
        REAL *restrict a = grads + at, *restrict b = a + line;
        CHANNELS {
            int first = u[c] > x[c], second = u[c + channels] > x[c + channels];
            int third = v[c] > y[c], fourth = v[c + channels] > y[c + channels];
            a[c] = first | !(second | third | fourth) ? p[c] : none;
            a[c + channels] = second & !first ? p[c] : none;
            b[c] = third & !(first | second) ? p[c] : none;
            b[c + channels] = fourth & !(first | second | third) ? p[c] : none;
        }
    }
}

/* As `backward`, from gradients of pooled spikes; `scratch` has room for 7 pairs of rows. */
void NAME(backward_pooled)(const REAL *grads, ptrdiff_t stride, const REAL *membrane, REAL *out, REAL *total,
                           ptrdiff_t steps, ptrdiff_t width, const REAL *decay, const REAL *threshold,
                           const REAL *inner, const REAL *outer, const ptrdiff_t *lengths, int reset,
                           int surrogate, ptrdiff_t rows, ptrdiff_t columns, ptrdiff_t channels,
                           REAL *scratch) {
    ptrdiff_t line = columns * channels, pair = 2 * line, count;
    ptrdiff_t half = columns / 2 * channels, frame = rows / 2 * half;
    REAL *decays = scratch, *thresholds = decays + pair, *inners = thresholds + pair, *outers = inners + pair;
    REAL *unpooled = outers + pair, *passing[2] = {unpooled + pair, unpooled + 2 * pair};
    PAIRS {
        count = row + 1 < rows ? pair : line;
        const REAL *arriving = grads + first / (rows * line) * frame + row / 2 * half;
        NAME(load)(decays, decay, lengths[0], first, count);
        NAME(load)(thresholds, threshold, lengths[1], first, count);
        NAME(load)(inners, inner, lengths[2], first, count);
        NAME(load)(outers, outer, lengths[3], first, count);
        if (count == line) EACH unpooled[j] = 0;
        for (ptrdiff_t t = steps - 1; t >= 0; t--) {
            REAL *into = total ? passing[t % 2] : out + t * width + first;
            const REAL *following = total ? passing[(t + 1) % 2] : into + width;
            const REAL *m = membrane + t * width + first;
            if (count == pair) NAME(unpool)(unpooled, arriving + t * stride, m, thresholds, columns, channels);
            NAME(local)(into, unpooled, m, thresholds, inners, outers, surrogate, count);
            if (t < steps - 1) NAME(carry)(into, following, decays, m, thresholds, reset, count);
            if (total) EACH total[first + j] += into[j];
        }
    }
}

#undef PAIRS
#undef WINDOWS
#undef CHANNELS
#undef EACH

#endif
