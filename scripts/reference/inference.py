"""Reference values of tests and intervals: McNemar, Tango, permutations, Holm, block bootstrap."""

import math

import numpy as np
from scipy import optimize, stats
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.multitest import multipletests

from reference.resampling import RESAMPLES, SEED, expanded_tail, resamples, sfc32

PERMUTATIONS = 999


def mcnemars():
    counts = [(0, 0), (1, 0), (5, 0), (0, 6), (3, 9), (10, 10), (12, 30), (700, 801), (2, 1200)]
    for gained, lost in counts:
        exact = mcnemar([[0, gained], [lost, 0]], exact=True).pvalue
        seen = stats.binom.pmf(min(gained, lost), gained + lost, 0.5)
        yield {
            "gained": gained,
            "lost": lost,
            "exact": float(exact),
            # Fagerland, Lydersen and Laake 2013.
            "midP": float(min(1, 2 * stats.binom.cdf(min(gained, lost), gained + lost, 0.5) - seen)),
        }


def likelihood_score(n, gained, lost, delta):
    """Tango's score with the share of `lost` found by maximising the likelihood numerically."""
    low, high = max(0.0, -delta), (1 - delta) / 2

    def slope(q):
        return gained / (q + delta) + lost / q - 2 * (n - gained - lost) / (1 - 2 * q - delta)

    inside = (low + 1e-15, high - 1e-15)
    if slope(inside[0]) <= 0:
        q = low
    elif slope(inside[1]) >= 0:
        q = high
    else:
        q = optimize.brentq(slope, *inside, xtol=1e-17, rtol=1e-15)
    return (gained - lost - n * delta) / math.sqrt(n * (2 * q + delta * (1 - delta)))


def tango(n, gained, lost):
    z = stats.norm.ppf(0.975)
    centre = (gained - lost) / n

    def crossing(low, high, level):
        def off(delta):
            return likelihood_score(n, gained, lost, delta) - level

        return optimize.brentq(off, low, high, xtol=1e-16, rtol=1e-14)

    return [crossing(-1 + 1e-9, centre - 1e-9, z), crossing(centre + 1e-9, 1 - 1e-9, -z)]


def tangos():
    counts = [(50, 12, 2), (40, 0, 0), (1000, 3, 9), (154, 1, 0), (60, 5, 20), (30, 29, 0)]
    for n, gained, lost in counts:
        yield {"n": n, "gained": gained, "lost": lost, "ci95": tango(n, gained, lost)}


def sign_flip(differences):
    """All signs, by SciPy."""
    result = stats.permutation_test(
        (differences,), lambda x, axis: x.sum(axis), permutation_type="samples", n_resamples=np.inf
    )
    return float(result.pvalue)


def drawn_sign_flip(differences):
    """Random signs, eight to a byte of the generator, its lowest bit first; plus what was seen."""
    words = sfc32(SEED)
    padded = np.zeros(-(-len(differences) // 8) * 8)
    padded[: len(differences)] = differences
    seen = abs(differences.sum()) - 1e-12 * np.abs(differences).sum()
    reaching = 1
    for _ in range(PERMUTATIONS):
        bytes_ = [next(words) >> 24 for _ in range(len(padded) // 8)]
        signs = np.array([1 if byte >> i & 1 else -1 for byte in bytes_ for i in range(8)])
        reaching += abs((signs * padded).sum()) >= seen
    return float(reaching / (PERMUTATIONS + 1))


def groups(a, b):
    result = stats.permutation_test(
        (a, b),
        # Two-sided by the size of the difference; SciPy's own doubles the smaller tail.
        lambda x, y, axis: abs(x.mean(axis) - y.mean(axis)),
        permutation_type="independent",
        alternative="greater",
        n_resamples=np.inf,
    )
    return float(result.pvalue)


def drawn_groups(a, b):
    """The first len(a) values of a Fisher-Yates shuffle that goes on from the last one."""
    words = sfc32(SEED)
    values = np.concatenate([a, b])
    total = values.sum()
    share = total * len(a) / len(values)
    seen = abs(a.sum() - share) - 1e-12 * np.abs(values).sum()
    reaching = 1
    for _ in range(PERMUTATIONS):
        for i in range(len(a)):
            j = i + (next(words) * (len(values) - i) >> 32)
            values[i], values[j] = values[j], values[i]
        reaching += abs(values[: len(a)].sum() - share) >= seen
    return float(reaching / (PERMUTATIONS + 1))


def permutations(rng):
    paired = [rng.normal(0.4, 1, n).tolist() for n in (2, 7, 10, 13)]
    paired.append([0.5] * 6 + [-0.5] * 2)
    many = rng.normal(0.2, 1, 45)
    small = rng.normal(0, 1, 6), rng.normal(1, 1, 5)
    large = rng.normal(0, 1, 14), rng.normal(0.8, 1, 16)
    return {
        "permutations": PERMUTATIONS,
        "paired": [{"differences": d, "p": sign_flip(np.array(d))} for d in paired],
        "drawn": {"differences": many.tolist(), "p": drawn_sign_flip(many)},
        "groups": {"a": small[0].tolist(), "b": small[1].tolist(), "p": groups(*small)},
        "drawnGroups": {"a": large[0].tolist(), "b": large[1].tolist(), "p": drawn_groups(*large)},
    }


def holms(rng):
    families = [[0.01, 0.04, 0.03], [0.5], [1.0, 1.0], [0.02, 0.02, 0.02], rng.random(12).tolist()]
    for ps in families:
        yield {"p": ps, "adjusted": multipletests(ps, method="holm")[1].tolist()}


def intervals(rng):
    """Of means, medians and percentiles of independent values, and of a mean by circular blocks."""
    values = np.sort(rng.lognormal(0, 1, 40))
    drawn = values[resamples(40, RESAMPLES)]
    percentile = lambda statistics: np.quantile(statistics, [0.025, 0.975]).tolist()  # noqa: E731
    block, n = 4, 14
    words = sfc32(SEED)
    series = rng.normal(0, 1, n).cumsum()
    weights = rng.integers(1, 9, n)
    ratios = []
    for _ in range(RESAMPLES):
        starts = [next(words) * n >> 32 for _ in range(-(-n // block))]
        chosen = [(start + i) % n for start in starts for i in range(block)][:n]
        ratios.append(series[chosen].sum() / weights[chosen].sum())
    tail = expanded_tail(-(-n // block))
    return {
        "values": values.tolist(),
        "mean": percentile(drawn.mean(1)),
        "median": percentile(np.median(drawn, axis=1)),
        "p90": percentile(np.quantile(drawn, 0.9, axis=1)),
        "blocks": {
            "block": block,
            "numerators": series.tolist(),
            "denominators": weights.tolist(),
            "ci95": np.quantile(ratios, [tail, 1 - tail]).tolist(),
        },
    }


def inference():
    rng = np.random.default_rng(20261125)
    return {
        "mcnemar": list(mcnemars()),
        "tango": list(tangos()),
        "permutation": permutations(rng),
        "holm": list(holms(rng)),
        "intervals": intervals(rng),
    }
