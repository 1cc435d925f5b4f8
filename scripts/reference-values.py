"""Reference values for src/analyze, by SciPy, statsmodels, NumPy and plain mathematics.

Shares no code with the product: the formulas are written a second time here, and so is sfc32, so
that both sides draw the same resamples.

    pip install numpy scipy statsmodels
    python scripts/reference-values.py > test/golden/analyze.json
    npx biome format --write test/golden/analyze.json
"""

import json
import math
import sys

import numpy as np
import scipy
import statsmodels
from scipy.special import log_softmax
from scipy.stats.mstats import mquantiles
from statsmodels.stats.proportion import proportion_confint

from reference.benchmark import benchmark, student, texts
from reference.inference import inference, mcnemar, sign_flip, tango
from reference.resampling import RESAMPLES, SEED, bootstrap, expanded_tail, resamples, sfc32

VOCABULARY = 40
BINS = 10


def scored_tokens(rng, length, sharpness):
    """What an engine says about `length` tokens of a random model."""
    logp = log_softmax(rng.normal(0, sharpness, (length, VOCABULARY)), axis=1)
    p = np.exp(logp)
    target = np.array([rng.choice(VOCABULARY, p=row / row.sum()) for row in p])
    chosen = logp[np.arange(length), target]
    return {
        "logp": chosen.tolist(),
        "hit": "".join("1" if t == m else "0" for t, m in zip(target, logp.argmax(1))),
        "topLogp": logp.max(1).tolist(),
        "sumSquares": (p * p).sum(1).tolist(),
        "brier": ((p - np.eye(VOCABULARY)[target]) ** 2).sum(1).tolist(),
    }


def expected_calibration(confidence, hits):
    """Guo et al. 2017 with equal-width bins, bin by bin from the definition."""
    error = 0.0
    edges = np.minimum((confidence * BINS).astype(int), BINS - 1)
    for bin_ in range(BINS):
        inside = edges == bin_
        if inside.any():
            gap = abs(hits[inside].mean() - confidence[inside].mean())
            error += inside.mean() * gap
    return error


def corpus(rng):
    documents = [scored_tokens(rng, int(rng.integers(4, 16)), 2.0) for _ in range(12)]
    # The same targets through a slightly worse model.
    noise = [rng.normal(0.02, 0.05, len(d["logp"])) for d in documents]
    worse = [(np.minimum(0, np.array(d["logp"]) - e)).tolist() for d, e in zip(documents, noise)]
    tokens = [len(d["logp"]) for d in documents]
    nll = [-sum(d["logp"]) for d in documents]
    hits = [d["hit"].count("1") for d in documents]
    brier = [sum(d.pop("brier")) for d in documents]
    confidence = np.exp(np.concatenate([d["topLogp"] for d in documents]))
    correct = np.array([h == "1" for d in documents for h in d["hit"]])
    loss = sum(nll) / sum(tokens)
    differences = [-sum(w) - t for w, t in zip(worse, nll)]
    interval = bootstrap(nll, tokens)
    later = [-x for d in documents for x in d["logp"][3:7]]
    return {
        "documents": documents,
        "worseLogp": worse,
        "bins": BINS,
        "loss": {"value": loss, "ci95": interval},
        "perplexity": {"value": math.exp(loss), "ci95": np.exp(interval).tolist()},
        "tokenAccuracy": {"value": sum(hits) / sum(tokens), "ci95": bootstrap(hits, tokens)},
        "brier": {"value": sum(brier) / sum(tokens), "ci95": bootstrap(brier, tokens)},
        "ece": expected_calibration(confidence, correct),
        "lossWith4To7Tokens": float(np.mean(later)),
        "perplexityRatio": {
            "value": math.exp(sum(differences) / sum(tokens)),
            "ci95": np.exp(bootstrap(differences, tokens, expanded_tail(12))).tolist(),
            "p": sign_flip(np.array(differences)),
        },
        "lossExpanded": {"value": loss, "ci95": bootstrap(nll, tokens, expanded_tail(12))},
    }


def items(rng):
    labels = rng.choice(["yes", "no", "maybe"], 60, p=[0.5, 0.3, 0.2])
    base = rng.random(60) < 0.8
    variant = np.where(rng.random(60) < 0.1, ~base, base)
    logp = np.log(rng.uniform(0.05, 1, 60))
    recalls = [base[labels == label].mean() for label in np.unique(labels)]
    difference = variant.astype(float) - base.astype(float)
    return {
        "labels": labels.tolist(),
        "correct": base.tolist(),
        "variantCorrect": variant.tolist(),
        "logp": logp.tolist(),
        "accuracy": {
            "value": float(base.mean()),
            "ci95": proportion_confint(int(base.sum()), 60, method="wilson"),
        },
        "macroAccuracy": float(np.mean(recalls)),
        "labelLoss": {"value": float(-logp.mean()), "ci95": bootstrap(-logp, np.ones(60))},
        "accuracyDifference": {
            "value": float(difference.mean()),
            "ci95": tango(60, int((difference > 0).sum()), int((difference < 0).sum())),
            "p": float(
                mcnemar([[0, (difference > 0).sum()], [(difference < 0).sum(), 0]]).pvalue
            ),
        },
    }


def sums(rng):
    hard = [[1, 1e100, 1, -1e100], [1e16, 1, -1e16, 1], [0.1] * 10, []]
    mixed = (rng.normal(0, 1, 50) * 10.0 ** rng.integers(-8, 9, 50)).tolist()
    return [{"values": values, "sum": math.fsum(values)} for values in [*hard, mixed]]


def quantiles(rng):
    at = [0, 0.025, 0.25, 0.5, 0.9, 0.95, 0.975, 0.99, 1]
    for size in (1, 2, 3, 10, 101):
        values = np.sort(rng.lognormal(0, 1, size))
        expected = np.quantile(values, at)
        # Type 7 under its other name, by other code.
        assert np.allclose(expected, mquantiles(values, at, alphap=1, betap=1), rtol=1e-12)
        yield {"values": values.tolist(), "at": at, "expected": expected.tolist()}


def main():
    rng = np.random.default_rng(20261120)
    words = sfc32(SEED)
    counts = [(0, 1), (1, 1), (0, 10), (10, 10), (1, 23), (77, 154), (950, 1000), (3, 100_000)]
    values = {
        "made by": {
            "numpy": np.__version__,
            "scipy": scipy.__version__,
            "statsmodels": statsmodels.__version__,
        },
        "wilson": [
            {"successes": k, "n": n, "ci95": proportion_confint(k, n, method="wilson")}
            for k, n in counts
        ],
        "quantile": list(quantiles(rng)),
        "sum": sums(rng),
        "sfc32": {
            "seed": SEED,
            "words": [next(words) for _ in range(8)],
            "indicesBelow12": resamples(12, 2).ravel().tolist(),
        },
        "resamples": RESAMPLES,
        "corpus": corpus(rng),
        "items": items(rng),
        "student": student(),
        "benchmark": benchmark(rng),
        "texts": texts(rng),
        "inference": inference(),
    }
    json.dump(values, sys.stdout, indent=2)
    print()


main()
