/** Formulas that every run with an engine has: speed, memory, stored bytes. */
import { exact, type Formula, missing, ratioOfUnits } from './formula.ts';

const tokensPerSecond: Formula = {
  unit: 'tokens/s',
  reads: 'batch',
  describe:
    'tokens fed (padding not counted) / seconds inside the engine, over all batches but the ' +
    'first of each process (warm-up); bootstrap over batches',
  compute(samples, params) {
    const warm = new Set(samples.batches.filter((row) => row.warmup).map((row) => row.batch));
    const rows = samples.batches.filter((row) => !warm.has(row.batch));
    const timed = rows.length > 0 ? rows : samples.batches;
    const units = timed.map((r) => ({ id: r.batch, total: r.tokens, tokens: r.ms / 1000 }));
    const n = timed.reduce((total, row) => total + row.tokens, 0);
    return ratioOfUnits({ unit: 'tokens/s', unitOf: 'batches', units, params, n });
  },
};

const loadSeconds: Formula = {
  unit: 's',
  reads: 'load',
  describe: 'time from asking for the model to a ready engine, last process of the run',
  compute(samples) {
    const last = samples.loads.at(-1);
    if (!last) return missing('s', 'the engine was never ready');
    return exact('s', last.loadMs / 1000, 1, 'processes');
  },
};

const peakMemory: Formula = {
  unit: 'bytes',
  reads: 'memory',
  describe: 'largest resident set of the worker processes of the run (VmHWM)',
  compute(samples) {
    const peaks = samples.memory.map((row) => row.peakRssBytes);
    if (peaks.length === 0) return missing('bytes', 'the worker ended before it reported memory');
    return exact('bytes', Math.max(...peaks), peaks.length, 'processes');
  },
};

const residentWeights: Formula = {
  unit: 'bytes',
  reads: 'memory',
  describe: 'weights as handed to the runtime, computed from what was packed',
  compute(samples) {
    const last = samples.memory.at(-1);
    if (!last) return missing('bytes', 'the worker ended before it reported memory');
    return exact('bytes', last.weightBytes, 1, 'processes');
  },
};

const storedWeights: Formula = {
  unit: 'bytes',
  reads: 'tensor',
  describe: 'Σ over tensors of the bytes that this scheme stores: codes, scales, zero points',
  compute(samples) {
    const bytes = samples.tensors.reduce((total, row) => total + row.bytes, 0);
    if (samples.tensors.length === 0) return missing('bytes', 'the model was never loaded');
    return exact('bytes', bytes, samples.tensors.length, 'tensors');
  },
};

const repeats: Formula = {
  unit: 'batches',
  reads: 'repeat',
  describe: 'batches that were run twice and gave the same bits, of those run twice',
  compute(samples) {
    const n = samples.repeats.length;
    if (n === 0) return missing('batches', 'run with --check-repeat to measure this');
    return exact('batches', samples.repeats.filter((row) => row.bitEqual).length, n, 'batches');
  },
};

export const runFormulas: Record<string, Formula> = {
  'run.tokens-per-second/1': tokensPerSecond,
  'run.load-seconds/1': loadSeconds,
  'run.peak-memory/1': peakMemory,
  'run.resident-weights/1': residentWeights,
  'run.stored-weights/1': storedWeights,
  'run.bit-equal-repeats/1': repeats,
};
