/** However a tensor is cut into bands, and whichever kernels convert them: the same bytes. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ConversionStep } from '../../src/weights/convert/conversion-plan.ts';
import { convertBand } from '../../src/weights/convert/convert-band.ts';
import type { OutputFormat, PackedMatrix } from '../../src/weights/convert/output-format.ts';
import { outputTensors } from '../../src/weights/convert/pack.ts';
import { DTYPE_BYTES, decodeF32 } from '../../src/weights/dtype.ts';
import { encodeF32, type StoredFloat } from '../../src/weights/encode.ts';
import { decodeRows } from '../../src/weights/formats/decode.ts';
import type { IntTensor, Part, StoredTensor } from '../../src/weights/formats/stored-tensor.ts';
import { plainKernels } from '../../src/weights/kernels/plain-kernels.ts';
import { wasmKernels } from '../../src/weights/kernels/wasm-kernels.ts';
import { dequantizeMatrix, quantizeMatrix } from '../../src/weights/quantizer.ts';
import type { TensorToLayOut } from '../../src/weights/safetensors-write.ts';
import { parseScheme } from '../../src/weights/scheme.ts';
import { PartFiles } from '../support/part-files.ts';

type Action = ConversionStep['action'];
type Outputs = ReadonlyMap<string, Uint8Array>;

interface Cut {
  readonly tensor: StoredTensor;
  readonly action: Action;
  readonly outputs: readonly TensorToLayOut[];
  readonly reader: PartFiles;
  readonly rows: number;
}

const bytesOf = ({ dtype, shape }: TensorToLayOut): number =>
  shape.reduce((product, size) => product * size, DTYPE_BYTES[dtype]);

/** All outputs, from bands that end at multiples of `every` rows. */
function converted(cut: Cut, every: number, kind: 'wasm' | 'plain'): Outputs {
  const { tensor, action, outputs, reader, rows } = cut;
  const kernels = kind === 'wasm' ? wasmKernels()! : plainKernels();
  const step = { tensor, action, outputs, scheme: '', group: null, reason: null };
  const all = new Map(outputs.map((out) => [out.name, new Uint8Array(bytesOf(out)).fill(0xa5)]));
  for (let from = 0; from < rows; from += every) {
    const band = { step, span: { from, to: Math.min(from + every, rows) }, absmax: 0 };
    for (const pieces of convertBand(band, { kernels, reader })) {
      for (const { tensor: name, offset, bytes } of pieces) all.get(name)!.set(bytes, offset);
    }
  }
  return all;
}

/** By WASM and by plain kernels, in one band and in several. */
function inEveryWay(cut: Cut, every: number): Outputs {
  const whole = converted(cut, cut.rows, 'plain');
  for (const kind of ['wasm', 'plain'] as const) {
    for (const rows of [cut.rows, every]) {
      const got = converted(cut, rows, kind);
      for (const [name, bytes] of whole) {
        const same = Buffer.compare(bytes, got.get(name)!) === 0;
        expect({ name, kind, rows, same }).toEqual({ name, kind, rows, same: true });
      }
    }
  }
  return whole;
}

function dequantized(
  tensor: StoredTensor,
  to: StoredFloat,
  of: Omit<Cut, 'tensor' | 'outputs' | 'action'>,
) {
  const outputs = [{ name: tensor.name, dtype: to, shape: tensor.shape }];
  return { ...of, tensor, outputs, action: { kind: 'dequantize', to } as const };
}

/** What was packed, as a reader finds it. */
function intTensor(packed: PackedMatrix, outputs: Outputs, reader: PartFiles): IntTensor {
  const { rows, cols, scheme, format } = packed;
  const parts = new Map<string, Part>();
  for (const out of outputTensors(packed)) {
    parts.set(out.name.replace(/^x\./, ''), reader.add(out, outputs.get(out.name)!));
  }
  const part = (...names: string[]): Part | null =>
    names.map((name) => parts.get(name)).find((found) => found !== undefined) ?? null;
  return {
    ...{ kind: 'int', name: 'x.weight', shape: [rows, cols], rows, cols, extras: [] },
    bits: scheme.bits === 4 ? 4 : 8,
    group: scheme.group ?? cols,
    symmetric: scheme.symmetric,
    packing: format === 'compressed-tensors' ? 'compressed' : format === 'gptq' ? 'gptq' : 'awq',
    codes: part('qweight', 'weight_packed')!,
    scales: part('scales', 'weight_scale')!,
    zeroPoints: part('qzeros', 'weight_zero_point'),
    groupIndex: part('g_idx'),
    zeroLessOne: format === 'gptq' && scheme.symmetric,
  };
}

const CASES: readonly [string, OutputFormat, readonly OutputFormat[]][] = [
  ['int4-g32', 'compressed-tensors', []],
  ['int4-g32', 'gptq', ['awq', 'compressed-tensors']],
  ['int4-asym-g64', 'compressed-tensors', []],
  ['int4-asym-g32', 'gptq', ['awq', 'compressed-tensors']],
  ['int4-asym-g64', 'awq', ['gptq', 'compressed-tensors']],
  ['int8-g128', 'gptq', ['compressed-tensors']],
  ['int8-g128', 'compressed-tensors', []],
];

const shape = fc.record({
  words: fc.integer({ min: 1, max: 12 }),
  groups: fc.integer({ min: 1, max: 4 }),
  every: fc.integer({ min: 1, max: 6 }),
  dtype: fc.constantFrom<StoredFloat>('BF16', 'F16', 'F32'),
  to: fc.constantFrom<StoredFloat>('BF16', 'F16', 'F32'),
  seed: fc.nat(1000),
});

function plainTensor(of: { rows: number; cols: number; dtype: StoredFloat; seed: number }) {
  const { rows, cols, dtype, seed } = of;
  const values = Float32Array.from({ length: rows * cols }, (_, i) => Math.sin(seed + i * i) / 9);
  const reader = new PartFiles();
  const codes = reader.add(
    { name: 'x.weight', dtype, shape: [rows, cols] },
    encodeF32(values, dtype),
  );
  const tensor = { kind: 'plain', name: 'x.weight', shape: [rows, cols], codes } as const;
  return { tensor, reader, values: decodeF32(encodeF32(values, dtype), dtype) };
}

describe.each(CASES)('%s as %s', (text, format, others) => {
  it('quantized, dequantized and repacked in bands', () => {
    const scheme = parseScheme(text);
    fc.assert(
      fc.property(shape, ({ words, groups, every, dtype, to, seed }) => {
        const [rows, cols] = [8 * words, groups * scheme.group!];
        const { tensor, reader, values } = plainTensor({ rows, cols, dtype, seed });
        const scaleDtype = format === 'compressed-tensors' ? dtype : 'F16';
        const packed: PackedMatrix = { module: 'x', rows, cols, scheme, scaleDtype, format };
        const action = { kind: 'quantize', packed } as const;
        const of = { reader, rows };
        const cut: Cut = { ...of, tensor, action, outputs: outputTensors(packed) };
        const stored = intTensor(packed, inEveryWay(cut, 8 * every), reader);
        const span = { from: 0, to: rows };
        const expected = dequantizeMatrix(
          quantizeMatrix(values, { rows, cols, scheme, scaleDtype, name: 'x' }),
        );
        expect(decodeRows(stored, span, reader.readAt)).toEqual(expected);
        const back = inEveryWay(dequantized(stored, to, of), 8 * every).get('x.weight')!;
        expect(Buffer.compare(back, encodeF32(expected, to))).toBe(0);
        for (const other of others) {
          const asymmetric =
            other === 'awq' ? parseScheme(text.replace('int4-g', 'int4-asym-g')) : scheme;
          const kept = { ...packed, scheme: asymmetric, format: other };
          const repack = { kind: 'repack', packed: kept } as const;
          const turned: Cut = {
            ...of,
            tensor: stored,
            action: repack,
            outputs: outputTensors(kept),
          };
          const files = new PartFiles();
          const again = intTensor(kept, inEveryWay(turned, 8 * every), files);
          expect(decodeRows(again, span, files.readAt)).toEqual(expected);
        }
      }),
      { numRuns: 12 },
    );
  });
});

it('inputs in act-order, which no band changes', () => {
  fc.assert(
    fc.property(shape, fc.boolean(), ({ words, groups, every, dtype, to, seed }, isGptq) => {
      const scheme = parseScheme('int4-asym-g32');
      const [rows, cols] = [8 * words, groups * 32];
      const { tensor, reader } = plainTensor({ rows, cols, dtype, seed });
      const format = isGptq ? 'gptq' : 'compressed-tensors';
      const packed: PackedMatrix = { module: 'x', rows, cols, scheme, scaleDtype: 'F16', format };
      const of = { reader, rows };
      const action = { kind: 'quantize', packed } as const;
      const outputs = outputTensors(packed);
      const stored = intTensor(
        packed,
        converted({ ...of, tensor, action, outputs }, rows, 'wasm'),
        reader,
      );
      const index = Int32Array.from({ length: cols }, (_, i) => (i * 7 + seed) % groups);
      const groupIndex = reader.add(
        { name: 'x.order', dtype: 'I32', shape: [cols] },
        new Uint8Array(index.buffer),
      );
      const ordered = { ...stored, groupIndex };
      const expected = decodeRows(ordered, { from: 0, to: rows }, reader.readAt);
      const back = inEveryWay(dequantized(ordered, to, of), 8 * every).get('x.weight')!;
      expect(Buffer.compare(back, encodeF32(expected, to))).toBe(0);
    }),
    { numRuns: 30 },
  );
});

it('FP8 in blocks of any size, experts counted through', () => {
  const layout = fc.record({
    ...{ matrices: fc.integer({ min: 1, max: 3 }), rows: fc.integer({ min: 1, max: 40 }) },
    ...{ cols: fc.integer({ min: 1, max: 200 }), every: fc.integer({ min: 1, max: 30 }) },
    ...{ blockRows: fc.constantFrom(1, 7, 16, 128), blockCols: fc.constantFrom(5, 16, 128, 256) },
    ...{ to: fc.constantFrom<StoredFloat>('BF16', 'F16', 'F32'), seed: fc.nat(1000) },
  });
  fc.assert(
    fc.property(layout, ({ matrices, rows, cols, every, blockRows, blockCols, to, seed }) => {
      const reader = new PartFiles();
      const grid = [matrices, Math.ceil(rows / blockRows), Math.ceil(cols / blockCols)];
      const count = grid.reduce((product, size) => product * size, 1);
      const scales = Float32Array.from({ length: count }, (_, i) => 2 ** -((seed + i * 3) % 40));
      const all = matrices * rows;
      const bytes = Uint8Array.from({ length: all * cols }, (_, i) => (seed + i * 101) & 255);
      const shaped = [matrices, rows, cols];
      const codes = reader.add({ name: 'x', dtype: 'F8_E4M3', shape: shaped }, bytes);
      const tensor: StoredTensor = {
        ...{ kind: 'fp8', name: 'x', shape: shaped, matrices, rows, cols, codes, extras: [] },
        block: { rows: blockRows, cols: blockCols },
        scales: reader.add({ name: 's', dtype: 'F32', shape: grid }, encodeF32(scales, 'F32')),
      };
      const expected = decodeRows(tensor, { from: 0, to: all }, reader.readAt);
      const back = inEveryWay(dequantized(tensor, to, { reader, rows: all }), every).get('x')!;
      expect(Buffer.compare(back, encodeF32(expected, to))).toBe(0);
    }),
    { numRuns: 60 },
  );
});
