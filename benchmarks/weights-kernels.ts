/**
 * The kernels of weight formats, one thread, beside a copy of the same bytes and beside numpy, in
 * turn. Input and output are larger than the caches. GB/s count the bytes of the BF16 side.
 * Usage: npx tsx benchmarks/weights-kernels.ts [python with numpy]
 */
import { performance } from 'node:perf_hooks';
import { quantile } from '../src/analyze/describe.ts';
import type { Kernels } from '../src/weights/kernels/kernels.ts';
import { wasmKernels } from '../src/weights/kernels/wasm-kernels.ts';
import { printMachine, watchOthers } from './machine.ts';
import { weightsPeer } from './weights-peer.ts';

const ROUNDS = 9;
/** A band as conversions have it, and as many of them as leave every cache. */
const ROWS = 256;
const COLS = 4_096;
const BANDS = 48;
const VALUES = ROWS * COLS;
const GROUP = 128;

const found = wasmKernels();
if (found === null) throw new Error('this machine has no SIMD for WASM');
const kernels: Kernels = found;
const { memory } = kernels;
const bf16 = memory.take(2 * VALUES * BANDS);
const codes = memory.take(VALUES * BANDS);
const out = memory.take(2 * VALUES * BANDS);
const scales = memory.take((4 * VALUES) / GROUP);
const scratch = memory.take(1 << 16);
const lines = memory.take(VALUES / 2);
const words = memory.take(VALUES / 2);

/** Weights like those of a model: normal, σ = 0.02. */
function fill(): void {
  const values = new Uint16Array(memory.memory.buffer, bf16, VALUES * BANDS);
  const single = new Float32Array(1);
  const bits = new Uint32Array(single.buffer);
  let state = 12_345;
  for (let i = 0; i < VALUES; i++) {
    let sum = 0;
    for (let j = 0; j < 12; j++) {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
      sum += state / 2 ** 32 - 0.5;
    }
    single[0] = sum * 0.02;
    values[i] = (bits[0] as number) >>> 16;
  }
  for (let band = 1; band < BANDS; band++) values.copyWithin(band * VALUES, 0, VALUES);
  memory.floats(scales, VALUES / GROUP).fill(0.0002);
}

const matrix = { rows: ROWS, cols: COLS };
const blocks = { blockRows: 128, blockCols: 128 };
const ints = { ...matrix, group: GROUP, scales, zeros: 0, flip: 0 as const };
const int4 = { ...ints, bits: 4 as const, stride: COLS / 2 };
const inputs = COLS / 8;

/** One band; places are those of its BF16 values (`values`) and codes (`packed`). */
const OPERATIONS: Readonly<Record<string, (values: number, packed: number, to: number) => void>> = {
  'FP8 → BF16': (_, src, dst) =>
    kernels.decodeFp8({ ...matrix, ...blocks, src, dst, scales, phase: 0, to: 'BF16', scratch }),
  'BF16 → FP8': (src, dst) => {
    kernels.absmax({ ...matrix, ...blocks, src, dst: scratch, from: 'BF16' });
    kernels.encodeFp8({ ...matrix, ...blocks, src, dst, scales, from: 'BF16' });
  },
  'INT4 → BF16': (_, src, dst) => kernels.decodeInt({ ...int4, src, dst, to: 'BF16', scratch }),
  'GPTQ → BF16': (_, src, dst) => {
    const turn = { rows: inputs, cols: ROWS, stride: 4 * ROWS, pitch: COLS / 2 };
    kernels.transposeWords({ src, dst: lines, ...turn });
    kernels.decodeInt({ ...int4, src: lines, dst, to: 'BF16', scratch });
  },
  'AWQ → BF16': (_, src, dst) => {
    const weave = { rows: inputs, cols: ROWS / 8, stride: ROWS / 2, pitch: 4 * ROWS };
    kernels.awqToGptq({ src, dst: words, ...weave });
    const turn = { rows: inputs, cols: ROWS, stride: 4 * ROWS, pitch: COLS / 2 };
    kernels.transposeWords({ src: words, dst: lines, ...turn });
    kernels.decodeInt({ ...int4, src: lines, dst, to: 'BF16', scratch });
  },
  'INT8 → BF16': (_, src, dst) =>
    kernels.decodeInt({ ...ints, bits: 8, stride: COLS, src, dst, to: 'BF16', scratch }),
  'BF16 → INT4': (src, dst) => {
    const groups = { blockRows: 1, blockCols: GROUP };
    kernels.absmax({ ...matrix, ...groups, src, dst: lines, from: 'BF16' });
    kernels.encodeInt({ ...int4, src, dst, from: 'BF16' });
  },
};

function copy(): void {
  for (let band = 0; band < BANDS; band++) {
    const at = 2 * VALUES * band;
    memory.bytes(out + at, 2 * VALUES).set(memory.bytes(bf16 + at, 2 * VALUES));
  }
}

function secondsOf(work: () => void): number {
  const start = performance.now();
  work();
  return (performance.now() - start) / 1_000;
}

const median = (values: readonly number[]): number =>
  quantile(
    values.toSorted((a, b) => a - b),
    0.5,
  );
const range = (values: readonly number[], digits: number): string =>
  `${median(values).toFixed(digits)} (${Math.min(...values).toFixed(digits)} … ` +
  `${Math.max(...values).toFixed(digits)})`;

printMachine();
fill();
const othersShare = watchOthers();
const gigabytes = (2 * VALUES * BANDS) / 1e9;
console.log(
  `n = ${ROUNDS} pairs of passes over ${gigabytes.toFixed(2)} GB of BF16, median (range)`,
);
for (const [name, band] of Object.entries(OPERATIONS)) {
  const pass = (): void => {
    for (let i = 0; i < BANDS; i++) {
      band(bf16 + 2 * VALUES * i, codes + VALUES * i, out + 2 * VALUES * i);
    }
  };
  pass();
  const pairs = Array.from({ length: ROUNDS }, () => [secondsOf(copy), secondsOf(pass)] as const);
  const speed = pairs.map(([, ours]) => gigabytes / ours);
  const ratio = pairs.map(([copied, ours]) => copied / ours);
  console.log(`${name}  ${range(speed, 2)} GB/s, ${range(ratio, 2)} × the speed of a copy`);
}
const python = process.argv[2];
if (python !== undefined) {
  const peer = weightsPeer(python);
  console.log(await peer.version());
  const quantize = OPERATIONS['BF16 → FP8'] as (typeof OPERATIONS)[string];
  const ratio: number[] = [];
  for (let round = 0; round <= ROUNDS; round++) {
    const theirs = await peer.seconds(`numpy-quantize ${ROWS} ${COLS}`);
    const ours = secondsOf(() => quantize(bf16, codes, out));
    // The first round is a warm-up.
    if (round > 0) ratio.push(theirs / ours);
  }
  console.log(`BF16 → FP8  ${range(ratio, 1)} × the speed of numpy, a matrix of ${ROWS}×${COLS}`);
  peer.close();
}
console.log(`others took ${(100 * othersShare()).toFixed(1)} % of the CPU time`);
