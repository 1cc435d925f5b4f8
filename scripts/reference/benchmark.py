"""Reference values of benchmarks: rounds of timed batches, Student's t, generated texts."""

import numpy as np
from scipy import stats
from statsmodels.stats.proportion import proportion_confint

from reference.inference import sign_flip
from reference.resampling import RESAMPLES, bootstrap, expanded_tail, resamples


def student():
    """Two-sided points of Student's t, and one interval of a mean."""
    degrees = [1, 2, 3, 4, 5, 9, 10, 29, 30, 99, 100, 999, 10_000]
    confidences = [0.5, 0.8, 0.9, 0.95, 0.99, 0.999]
    values = [1.25, -0.5, 3.75, 2.0, 0.125, 1.5, 2.75, -1.25, 0.875, 1.0, 4.5]
    interval = stats.t.interval(
        0.95, len(values) - 1, loc=np.mean(values), scale=stats.sem(values)
    )
    return {
        "welch": welch(),
        "points": [
            {"confidence": c, "df": df, "t": float(stats.t.ppf((1 + c) / 2, df))}
            for df in degrees
            for c in confidences
        ],
        "values": values,
        "ci95": [float(end) for end in interval],
    }


def welch():
    """SciPy's Welch interval, with the degrees of freedom rounded down as the product does."""
    a = [1.25, -0.5, 3.75, 2.0, 0.125, 1.5, 2.75, -1.25, 0.875, 1.0, 4.5]
    b = [0.5, 0.25, 0.75, 0.625, 0.375, 0.875, 0.125, 1.0, 0.4375, 0.5625]
    tested = stats.ttest_ind(a, b, equal_var=False)
    difference = np.mean(a) - np.mean(b)
    error = difference / tested.statistic
    half = stats.t.ppf(0.975, np.floor(tested.df)) * error
    return {"a": a, "b": b, "ci95": [float(difference - half), float(difference + half)]}


def block_quantile(rounds, q):
    """Quantile with the percentile interval of whole rounds drawn, each resample sorted anew."""
    drawn = resamples(len(rounds), RESAMPLES)
    quantiles_ = [np.quantile(np.concatenate([rounds[i] for i in row]), q) for row in drawn]
    value = np.quantile(np.concatenate(rounds), q)
    tail = expanded_tail(len(rounds))
    return {"value": float(value), "ci95": np.quantile(quantiles_, [tail, 1 - tail]).tolist()}


def rounds_ratio(rounds, top, bottom):
    """Sum over sum, whole rounds drawn."""
    tops = [sum(top(row) for row in rows) for rows in rounds]
    bottoms = [sum(bottom(row) for row in rows) for rows in rounds]
    tail = expanded_tail(len(rounds))
    return {"value": sum(tops) / sum(bottoms), "ci95": bootstrap(tops, bottoms, tail)}


def benchmark(rng):
    """Twelve rounds of timed batches of 4 rows, and a second cell in the same rounds."""
    batch = 4

    def iterations(factor):
        rounds = []
        for _ in range(12):
            mood = factor * rng.lognormal(0, 0.1)
            rows = []
            for _ in range(int(rng.integers(5, 9))):
                steps = np.round(mood * rng.lognormal(1, 0.2, int(rng.integers(6, 12))), 6).tolist()
                prefill = round(float(mood * rng.lognormal(2, 0.1)), 6)
                end = round(prefill + sum(steps) + 0.01, 6)
                rows.append(
                    {
                        "promptTokens": int(rng.integers(20, 60)),
                        "newTokens": batch * (len(steps) + 1) - int(rng.integers(0, 3)),
                        "ttftMs": round(0.8 * prefill, 6),
                        "prefillMs": prefill,
                        "stepMs": steps,
                        "e2eMs": end,
                        "cpuMs": round(1.7 * end, 6),
                    }
                )
            rounds.append(rows)
        return rounds

    rounds = iterations(1.0)
    faster = iterations(0.7)
    # Both cells are fed the same prompts, iteration by iteration, as far as both go.
    index = 0
    fed = [row["promptTokens"] for rows in rounds for row in rows]
    for rows in faster:
        for row in rows:
            row["promptTokens"] = fed[index] if index < len(fed) else row["promptTokens"]
            index += 1
    rounds[3][0]["e2eMs"] *= 9
    times = np.array([row["e2eMs"] for rows in rounds for row in rows])
    away = np.abs(times - np.median(times))
    mad = stats.median_abs_deviation(times, scale=1 / 1.4826)

    def of(name, q):
        pick = (lambda row: row["stepMs"]) if name == "stepMs" else (lambda row: [row[name]])
        return block_quantile([np.concatenate([pick(row) for row in rows]) for rows in rounds], q)

    means = [[np.mean([row["e2eMs"] for row in rows]) for rows in r] for r in (faster, rounds)]
    logs = np.log(means[0]) - np.log(means[1])
    ratio = stats.t.interval(0.95, len(logs) - 1, loc=logs.mean(), scale=stats.sem(logs))
    return {
        "batchSize": batch,
        "rounds": rounds,
        "fasterRounds": faster,
        "latencyMean": rounds_ratio(rounds, lambda r: r["e2eMs"], lambda r: 1),
        "latencyP50": of("e2eMs", 0.5),
        "latencyP95": of("e2eMs", 0.95),
        "ttftP50": of("ttftMs", 0.5),
        "stepP95": of("stepMs", 0.95),
        "stepP99": of("stepMs", 0.99),
        "prefillRate": rounds_ratio(
            rounds, lambda r: r["promptTokens"], lambda r: r["prefillMs"] / 1000
        ),
        "decodeRate": rounds_ratio(
            rounds, lambda r: r["newTokens"] - batch, lambda r: sum(r["stepMs"]) / 1000
        ),
        "sampleRate": rounds_ratio(rounds, lambda r: batch, lambda r: r["e2eMs"] / 1000),
        "cpuUtilization": rounds_ratio(rounds, lambda r: r["cpuMs"], lambda r: r["e2eMs"]),
        "outliers": int((away > 3 * mad).sum()),
        "drift": float(
            np.mean([row["e2eMs"] for rows in rounds[8:] for row in rows])
            / np.mean([row["e2eMs"] for rows in rounds[:4] for row in rows])
        ),
        "latencyRatio": {
            "value": float(np.exp(logs.mean())),
            "ci95": [float(np.exp(end)) for end in ratio],
            "p": sign_flip(logs),
        },
    }


def with_grams(repeated, grams):
    """Texts too short for a 4-gram are no units."""
    kept = [(r, g) for r, g in zip(repeated, grams) if g > 0]
    return [r for r, _ in kept], [g for _, g in kept]


def texts(rng):
    """Generated ids of two variants: shared starts, then what each makes of it."""
    base = [rng.integers(0, 3, int(rng.integers(4, 40))).tolist() for _ in range(14)]
    variant = []
    for ids in base:
        cut = int(rng.integers(0, len(ids) + 1))
        variant.append(ids[:cut] + rng.integers(0, 3, int(rng.integers(0, 10))).tolist())
    same, compared = [], []
    for a, b in zip(variant, base):
        equal = [x == y for x, y in zip(a, b)]
        prefix = equal.index(False) if False in equal else len(equal)
        same.append(prefix)
        compared.append(prefix + (a != b))
    repeated, grams = [], []
    for ids in base:
        fours = [tuple(ids[i : i + 4]) for i in range(len(ids) - 3)]
        repeated.append(len(fours) - len(set(fours)))
        grams.append(len(fours))
    identical = sum(a == b for a, b in zip(variant, base))
    return {
        "base": base,
        "variant": variant,
        "agreement": {"value": sum(same) / sum(compared), "ci95": bootstrap(same, compared)},
        "identical": {
            "value": identical / len(base),
            "ci95": proportion_confint(identical, len(base), method="wilson"),
        },
        "repetition": {
            "value": sum(repeated) / sum(grams),
            "ci95": bootstrap(*with_grams(repeated, grams), expanded_tail(np.count_nonzero(grams))),
        },
    }
