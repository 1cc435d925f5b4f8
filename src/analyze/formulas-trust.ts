/** How far a benchmark can be trusted: what failed, what stands out, what else the machine did. */
import { mean, quantile, sum } from './describe.ts';
import { exact, type Formula, missing, numberParam } from './formula.ts';
import { measuredRounds, nothingMeasured } from './formulas-bench.ts';
import type { IterationRow } from './samples.ts';

/** Scales the median absolute deviation to the standard deviation of a normal distribution. */
const MAD_SCALE = 1.4826;
const OUTLIER_MADS = 3;

const outliers: Formula = {
  unit: 'iterations',
  reads: 'iteration',
  describe:
    'measured iterations whose end-to-end time is more than 3 · 1.4826 · MAD from the median; ' +
    'they stay in every figure',
  compute(samples) {
    const times = [...measuredRounds(samples).values()].flat().map((row) => row.e2eMs);
    if (times.length === 0) return nothingMeasured(samples, 'iterations');
    const median = quantile(times.toSorted(ascending), 0.5);
    const away = times.map((time) => Math.abs(time - median));
    const limit = OUTLIER_MADS * MAD_SCALE * quantile(away.toSorted(ascending), 0.5);
    const flagged = away.filter((distance) => distance > limit).length;
    return exact('iterations', flagged, times.length, 'iterations');
  },
};

const ascending = (a: number, b: number): number => a - b;

const drift: Formula = {
  unit: 'ratio',
  reads: 'iteration',
  describe: 'mean end-to-end time in the last third of the rounds / in the first third',
  compute(samples) {
    const rounds = [...measuredRounds(samples).values()];
    const third = Math.floor(rounds.length / 3);
    if (third === 0) return missing('ratio', `${rounds.length} rounds: drift needs 3`);
    const meanOf = (of: IterationRow[][]): number => mean(of.flat().map((row) => row.e2eMs));
    const value = meanOf(rounds.slice(-third)) / meanOf(rounds.slice(0, third));
    const n = sum([...rounds.slice(0, third), ...rounds.slice(-third)].map((rows) => rows.length));
    return { ...exact('ratio', value, n, 'rounds'), units: 2 * third };
  },
};

const iterations: Formula = {
  unit: 'iterations',
  reads: 'iteration',
  describe: 'number of measured iterations, warm-up and failures not counted',
  compute(samples) {
    const n = samples.iterations.filter((row) => !row.warmup).length;
    return exact('iterations', n, n, 'iterations');
  },
};

const failures: Formula = {
  unit: 'iterations',
  reads: 'failure',
  describe: 'iterations that gave no result; they are in no latency and are never left unsaid',
  compute(samples) {
    const failed = samples.failures.length;
    const measured = samples.iterations.filter((row) => !row.warmup).length;
    return exact('iterations', failed, failed + measured, 'iterations');
  },
};

const stolenShare: Formula = {
  unit: 'fraction',
  reads: 'round',
  describe:
    'Σ (CPU time given to other machines + CPU time of other processes) / ' +
    '(Σ wall time · `cores`); a part that the system does not tell counts as 0, a round that ' +
    'tells neither is left out',
  compute(samples, params) {
    const known = samples.rounds.filter((row) => row.stealMs !== null || row.othersMs !== null);
    const wall = sum(known.map((row) => row.wallMs));
    if (wall === 0) return missing('fraction', 'the system tells no CPU times of others');
    const taken = sum(known.map((row) => (row.stealMs ?? 0) + (row.othersMs ?? 0)));
    const value = taken / (wall * numberParam(params, 'cores'));
    return exact('fraction', value, known.length, 'rounds');
  },
};

export const trustFormulas: Record<string, Formula> = {
  'bench.outliers/1': outliers,
  'bench.drift/1': drift,
  'bench.iterations/1': iterations,
  'bench.failures/1': failures,
  'bench.stolen-share/1': stolenShare,
};
