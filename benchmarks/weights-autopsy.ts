/**
 * How fast weights are examined, one thread: the scan of bytes in memory beside a copy of the same
 * bytes, with and without WASM, in turn; then a whole checkpoint from its file.
 * Usage: npx tsx benchmarks/weights-autopsy.ts [--rounds N] [--model DIR]
 */
import { performance } from 'node:perf_hooks';
import { parseArgs } from 'node:util';
import { quantile } from '../src/analyze/describe.ts';
import { examine } from '../src/weights/autopsy/autopsy.ts';
import { TensorScan } from '../src/weights/autopsy/tensor-scan.ts';
import type { ScannedDtype } from '../src/weights/autopsy/value-sums.ts';
import { encodeF32 } from '../src/weights/encode.ts';
import { plainStatistics } from '../src/weights/kernels/plain-statistics.ts';
import {
  AFTER_COUNTS,
  reach,
  type StatisticsKernels,
  wasmStatistics,
} from '../src/weights/kernels/statistics-kernels.ts';
import { lookAt } from '../src/weights/looked-at.ts';
import { printMachine, watchOthers } from './machine.ts';

const { values: options } = parseArgs({
  options: { rounds: { type: 'string', default: '9' }, model: { type: 'string' } },
});
const rounds = Number(options.rounds);
/** 64 MiB of BF16: more than any cache holds. */
const [ROWS, COLS] = [8_192, 4_096];

/** Weights like those of a model: normal by twelve uniform numbers, σ = 0.02. */
function weights(): Float32Array {
  const once = new Float32Array(2 ** 20);
  let state = 12_345;
  for (let i = 0; i < once.length; i++) {
    let sum = -6;
    for (let j = 0; j < 12; j++) {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
      sum += state / 2 ** 32;
    }
    once[i] = sum * 0.02;
  }
  const all = new Float32Array(ROWS * COLS);
  for (let at = 0; at < all.length; at += once.length) all.set(once, at);
  return all;
}

interface Case {
  readonly name: string;
  readonly bytes: number;
  run(): unknown;
  readonly wall: number[];
  readonly cpu: number[];
}

function scanning(name: string, dtype: ScannedDtype, of: Uint8Array, kernels: StatisticsKernels) {
  const run = (): unknown => {
    const scan = new TensorScan([ROWS, COLS], dtype, kernels);
    scan.add(of);
    return scan.finish();
  };
  return { name: `${dtype}, ${name}`, bytes: of.length, run, wall: [], cpu: [] };
}

/** What a scan of BF16 calls, chunk by chunk; the bytes lie in the memory of the kernels. */
function kernelsAlone(kernels: StatisticsKernels, of: Uint8Array): Case {
  const rows = 16;
  const chunk = rows * 2 * COLS;
  const sums = AFTER_COUNTS;
  const sizes = sums + 8 * COLS;
  const src = sizes + chunk;
  reach(kernels, src + of.length);
  new Uint8Array(kernels.memory.buffer, src).set(of);
  const run = (): void => {
    for (let at = src; at < src + of.length; at += chunk) {
      kernels.rowMagnitudes16(at, rows, COLS, sizes);
      kernels.countSquaresBf16(at, rows, COLS, sums);
    }
  };
  return { name: 'BF16, the kernels alone', bytes: of.length, run, wall: [], cpu: [] };
}

const all = weights();
const wasm = wasmStatistics();
const copied = new Uint8Array(2 * all.length);
const cases: Case[] = (['BF16', 'F16', 'F32'] as const).flatMap((dtype) => {
  const bytes = encodeF32(all, dtype);
  const plain = scanning('plain', dtype, bytes.subarray(0, bytes.length / 8), plainStatistics());
  return wasm === null ? [plain] : [scanning('WASM', dtype, bytes, wasm), plain];
});
const bf16 = encodeF32(all, 'BF16');
const alone = wasmStatistics();
if (alone !== null) cases.unshift(kernelsAlone(alone, bf16));
const copy = (): unknown => copied.set(bf16);
cases.unshift({ name: 'a copy', bytes: bf16.length, run: copy, wall: [], cpu: [] });

printMachine();
for (const each of cases) each.run();
const othersShare = watchOthers();
for (let round = 0; round < rounds; round++) {
  for (const each of cases) {
    const [start, used] = [performance.now(), process.cpuUsage()];
    each.run();
    const { user, system } = process.cpuUsage(used);
    each.wall.push(each.bytes / 1e6 / (performance.now() - start));
    each.cpu.push(each.bytes / 1e3 / (user + system));
  }
}
const range = (list: readonly number[]): string => {
  const [least, median, most] = [0, 0.5, 1].map((q) =>
    quantile(
      list.toSorted((a, b) => a - b),
      q,
    ).toFixed(2),
  );
  return `${median} (${least} … ${most})`;
};
console.log(`n = ${rounds}; others took ${(100 * othersShare()).toFixed(1)} % of the CPU time`);
for (const { name, wall, cpu } of cases) {
  console.log(`${name}: GB/s by the clock ${range(wall)}, by CPU time ${range(cpu)}`);
}

if (options.model !== undefined) {
  const [wall, cpu]: [number[], number[]] = [[], []];
  for (let round = 0; round <= rounds; round++) {
    const looked = lookAt(options.model);
    const [start, used] = [performance.now(), process.cpuUsage()];
    const { tensors } = await examine(looked, { signal: new AbortController().signal });
    const { user, system } = process.cpuUsage(used);
    const bytes = tensors.reduce((sum, tensor) => sum + tensor.bytes, 0);
    looked.close();
    // The first one warms the page cache.
    if (round === 0) continue;
    wall.push(bytes / 1e6 / (performance.now() - start));
    cpu.push(bytes / 1e3 / (user + system));
  }
  console.log(`${options.model}: GB/s by the clock ${range(wall)}, by CPU time ${range(cpu)}`);
}
