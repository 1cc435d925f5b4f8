/** Golden bytes of an independent implementation: a matrix through a band, by either kernels. */
import { describe, expect, it } from 'vitest';
import { convertBand } from '../../src/weights/convert/convert-band.ts';
import type { OutputFormat, PackedMatrix } from '../../src/weights/convert/output-format.ts';
import { encodeF32, type StoredFloat } from '../../src/weights/encode.ts';
import type { IntTensor, StoredTensor } from '../../src/weights/formats/stored-tensor.ts';
import type { Kernels } from '../../src/weights/kernels/kernels.ts';
import { plainKernels } from '../../src/weights/kernels/plain-kernels.ts';
import { wasmKernels } from '../../src/weights/kernels/wasm-kernels.ts';
import { parseScheme, type Scheme, withGroup } from '../../src/weights/scheme.ts';
import { PartFiles } from '../support/part-files.ts';

const X = Float32Array.of(-1, -0.5, 0, 0.25, 0.5, 0.75, 1, 2);

interface Conversion {
  readonly tensor: StoredTensor;
  readonly packed: PackedMatrix;
  readonly kind: 'quantize' | 'repack';
  readonly reader: PartFiles;
}

/** The bytes of each output tensor, little-endian, in hex. */
function bytesOf({ tensor, packed, kind, reader }: Conversion): Record<string, string> {
  const [fast, plain] = [wasmKernels()!, plainKernels()].map((kernels: Kernels) => {
    const bytes = new Map<string, string>();
    const action = { kind, packed };
    const step = { tensor, action, outputs: [], scheme: '', group: null, reason: null };
    const band = { step, span: { from: 0, to: packed.rows }, absmax: 0 };
    for (const pieces of convertBand(band, { kernels, reader })) {
      for (const piece of pieces) {
        const hex = Buffer.from(piece.bytes).toString('hex');
        bytes.set(piece.tensor, (bytes.get(piece.tensor) ?? '') + hex);
      }
    }
    return Object.fromEntries(bytes);
  });
  expect(fast).toEqual(plain);
  return plain!;
}

interface Case {
  readonly values: Float32Array;
  readonly rows: number;
  readonly scheme: Scheme;
  readonly format: OutputFormat;
  readonly dtype?: StoredFloat;
  readonly scaleDtype?: StoredFloat;
}

function quantized({ values, rows, scheme, format, dtype = 'F32', scaleDtype = 'F32' }: Case) {
  const cols = values.length / rows;
  const reader = new PartFiles();
  const codes = reader.add(
    { name: 'x.weight', dtype, shape: [rows, cols] },
    encodeF32(values, dtype),
  );
  const tensor = { kind: 'plain', name: 'x.weight', shape: [rows, cols], codes } as const;
  const packed = { module: 'x', rows, cols, scheme, scaleDtype, format };
  return bytesOf({ tensor, packed, kind: 'quantize', reader });
}

const word = (value: number) => Buffer.from(Uint32Array.of(value).buffer).toString('hex');
const int4 = withGroup(parseScheme('int4-g32'), 8);
const asymmetric = withGroup(parseScheme('int4-asym-g32'), 8);

describe('packed as', () => {
  it('compressed-tensors, INT4', () => {
    const format = 'compressed-tensors';
    expect(quantized({ values: X, rows: 1, scheme: int4, format })).toEqual({
      'x.weight_packed': word(0xfcba9864),
      'x.weight_scale': Buffer.from(Float32Array.of(0.26666668).buffer).toString('hex'),
      'x.weight_shape': '01000000000000000800000000000000',
    });
    const zeros = quantized({ values: X, rows: 1, scheme: asymmetric, format });
    expect(zeros['x.weight_packed']).toBe(word(0xfa986520));
    // Zero point −3 is stored as 5; there are no other rows.
    expect(zeros['x.weight_zero_point']).toBe(word(5));
  });

  it('compressed-tensors, INT8', () => {
    const values = Float32Array.of(1, -1, 0.5, 0.25, -0.125, 0.0123, 0, -0.996);
    const scheme = parseScheme('int8-channel');
    const bytes = quantized({ values, rows: 1, scheme, format: 'compressed-tensors' });
    expect(bytes['x.weight']).toBe('7f814020f0020081');
  });

  it('FP8', () => {
    const codes = Uint16Array.of(0x3f80, 0xbf00, 0x3e9a, 0x3c00, 0xbb80, 0x3900, 0, 0x8000);
    const values = new Float32Array(Uint32Array.from(codes, (code) => code << 16).buffer);
    const scheme = parseScheme('fp8-block128');
    expect(quantized({ values, rows: 1, scheme, format: 'fp8', dtype: 'BF16' })).toEqual({
      'x.weight': '7ef67046be160080',
      'x.weight_scale_inv': '2549123b',
    });
  });

  it('GPTQ: v2 keeps zero points, v1 stores them less one', () => {
    const values = Float32Array.from({ length: 64 }, (_, i) => X[i % 8]!);
    const of = { values, rows: 8, format: 'gptq', scaleDtype: 'F16' } as const;
    const bytes = quantized({ ...of, scheme: asymmetric });
    expect(bytes['x.qweight']).toBe(word(0xfa986520).repeat(8));
    expect(bytes['x.qzeros']).toBe(word(0x55555555));
    expect(bytes['x.scales']).toBe('6632'.repeat(8));
    expect(bytes['x.g_idx']).toBe('00'.repeat(32));
    expect(quantized({ ...of, scheme: int4 })['x.qzeros']).toBe(word(0x77777777));
  });

  it('AWQ: columns interleaved', () => {
    // Rows 0…7 have the codes 15, 0, 9, 3, 12, 7, 1, 8 for input 0, and 0 for the others.
    const codes = [15, 0, 9, 3, 12, 7, 1, 8];
    const reader = new PartFiles();
    const bytes = (values: Int32Array | Uint16Array) => new Uint8Array(values.buffer);
    const tensor: IntTensor = {
      ...{ kind: 'int', name: 'x.weight', shape: [8, 8], rows: 8, cols: 8, bits: 4, group: 8 },
      ...{ symmetric: false, packing: 'compressed', groupIndex: null, zeroLessOne: false },
      codes: reader.add(
        { name: 'codes', dtype: 'I32', shape: [8, 1] },
        bytes(Int32Array.from(codes)),
      ),
      scales: reader.add(
        { name: 'scales', dtype: 'F16', shape: [8, 1] },
        bytes(new Uint16Array(8).fill(0x3c00)),
      ),
      zeroPoints: reader.add(
        { name: 'zeros', dtype: 'I32', shape: [1, 1] },
        bytes(Int32Array.of(0x76543210)),
      ),
      extras: [],
    };
    const shape = { module: 'x', rows: 8, cols: 8, scheme: asymmetric };
    const packed = { ...shape, scaleDtype: 'F16', format: 'awq' } as const;
    const out = bytesOf({ tensor, packed, kind: 'repack', reader });
    expect(out['x.qweight']).toBe(word(0x87301c9f) + word(0).repeat(7));
    expect(out['x.qzeros']).toBe(word(0x75316420));
  });
});
