"""The resamples of src/analyze, drawn by a second implementation of its generator."""

import math

import numpy as np
from scipy import stats

RESAMPLES = 500
SEED = 42
MASK = 0xFFFFFFFF


def sfc32(seed):
    """Chris Doty-Humphrey's small fast counting generator, 32-bit words, 12 warm-up rounds."""
    a, b, c, counter = 0x9E3779B9, 0x243F6A88, seed & MASK, 1
    drawn = 0
    while True:
        out = (a + b + counter) & MASK
        counter = (counter + 1) & MASK
        a = b ^ (b >> 9)
        b = (c + (c << 3)) & MASK
        c = (((c << 21) | (c >> 11)) + out) & MASK
        drawn += 1
        if drawn > 12:
            yield out


def resamples(n, count, seed=SEED):
    words = sfc32(seed)
    return np.array([[next(words) * n >> 32 for _ in range(n)] for _ in range(count)])


def expanded_tail(n):
    """Hesterberg 2015: the tail that a bootstrap over few units must cut off for 95 %."""
    return float(stats.norm.cdf(-math.sqrt(n / (n - 1)) * stats.t.ppf(0.975, n - 1)))


def bootstrap(numerators, denominators, tail=0.025):
    """Percentile interval of a ratio of sums over the units."""
    drawn = resamples(len(numerators), RESAMPLES)
    ratios = np.asarray(numerators)[drawn].sum(1) / np.asarray(denominators)[drawn].sum(1)
    return np.quantile(ratios, [tail, 1 - tail]).tolist()
