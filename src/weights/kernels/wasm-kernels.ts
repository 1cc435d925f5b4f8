/** The kernels in WASM with SIMD; `npm run kernels` compiles them from the folder `assembly`. */
import { readFileSync } from 'node:fs';
import { KernelMemory, type Kernels, type Lines } from './kernels.ts';
import { wasm as api } from './web-assembly.ts';

type Export =
  | 'fp8ToBf16'
  | 'fp8ToF32'
  | 'bf16ToFp8'
  | 'f32ToFp8'
  | 'absmaxBf16'
  | 'absmaxF32'
  | 'rangesBf16'
  | 'rangesF32'
  | 'intToBf16'
  | 'intToF32'
  | 'orderedIntToF32'
  | 'bf16ToInt'
  | 'f32ToInt'
  | 'f32ToBf16'
  | 'transposeWords'
  | 'awqToGptq'
  | 'gptqToAwq';

let compiled: object | null | undefined;

/** null where this machine has no SIMD for WASM. */
function compile(): object | null {
  if (compiled !== undefined) return compiled;
  const bytes = readFileSync(new URL('./kernels.wasm', import.meta.url));
  compiled = api.validate(bytes) ? new api.Module(bytes) : null;
  return compiled;
}

/** @returns null where this machine has no SIMD for WASM: the plain ones give the same bytes */
export function wasmKernels(memory = new KernelMemory()): Kernels | null {
  const module = compile();
  if (module === null) return null;
  const instance = new api.Instance(module, { env: { memory: memory.memory } });
  return bind(memory, instance.exports as Record<Export, (...values: number[]) => void>);
}

const linesOf = ({ rows, cols, group, scales, zeros, bits, stride, flip }: Lines): number[] => [
  ...[rows, cols, group, scales, zeros, bits, stride, flip],
];

function bind(
  memory: KernelMemory,
  wasm: Readonly<Record<Export, (...values: number[]) => void>>,
): Kernels {
  return {
    memory,
    decodeFp8({ src, dst, rows, cols, scales, phase, blockRows, blockCols, scratch, to }) {
      const call = to === 'BF16' ? wasm.fp8ToBf16 : wasm.fp8ToF32;
      call(src, dst, rows, cols, scales, phase, blockRows, blockCols, scratch);
    },
    encodeFp8({ src, dst, rows, cols, scales, blockRows, blockCols, from }) {
      const call = from === 'BF16' ? wasm.bf16ToFp8 : wasm.f32ToFp8;
      call(src, dst, rows, cols, scales, blockRows, blockCols);
    },
    absmax({ src, dst, rows, cols, blockRows, blockCols, from }) {
      const call = from === 'BF16' ? wasm.absmaxBf16 : wasm.absmaxF32;
      call(src, rows, cols, blockRows, blockCols, dst);
    },
    ranges({ src, dst, groups, group, from }) {
      const call = from === 'BF16' ? wasm.rangesBf16 : wasm.rangesF32;
      call(src, groups, group, dst);
    },
    decodeInt(job) {
      const call = job.to === 'BF16' ? wasm.intToBf16 : wasm.intToF32;
      call(job.src, job.dst, ...linesOf(job), job.scratch);
    },
    decodeOrderedInt(job) {
      const { src, dst, rows, cols, group, index, scales, zeros, bits, stride, flip } = job;
      const groups = cols / group;
      wasm.orderedIntToF32(
        ...[src, dst, rows, cols, groups, index, scales, zeros, bits, stride, flip],
      );
    },
    encodeInt(job) {
      const call = job.from === 'BF16' ? wasm.bf16ToInt : wasm.f32ToInt;
      call(job.src, job.dst, ...linesOf(job));
    },
    roundToBf16({ src, dst, count }) {
      wasm.f32ToBf16(src, dst, count);
    },
    transposeWords({ src, dst, rows, cols, stride, pitch }) {
      wasm.transposeWords(src, dst, rows, cols, stride, pitch);
    },
    awqToGptq({ src, dst, rows, cols, stride, pitch }) {
      wasm.awqToGptq(src, dst, rows, cols, stride, pitch);
    },
    gptqToAwq({ src, dst, rows, cols, stride, pitch }) {
      wasm.gptqToAwq(src, dst, rows, cols, stride, pitch);
    },
  };
}
