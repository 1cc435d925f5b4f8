/** Golden bytes of an independent implementation; codes and scales come from the one quantizer. */
import { describe, expect, it } from 'vitest';
import { decodeF32 } from '../dtype.ts';
import type { StoredFloat } from '../encode.ts';
import { quantizeMatrix } from '../quantizer.ts';
import { parseScheme, type Scheme, withGroup } from '../scheme.ts';
import type { OutputFormat } from './output-format.ts';
import { packBand } from './pack.ts';

const X = Float32Array.of(-1, -0.5, 0, 0.25, 0.5, 0.75, 1, 2);

interface Case {
  readonly values: Float32Array;
  readonly rows: number;
  readonly scheme: Scheme;
  readonly format: OutputFormat;
  readonly scaleDtype?: StoredFloat;
}

/** The bytes of each output tensor, little-endian, in hex. */
function packed({ values, rows, scheme, format, scaleDtype = 'F32' }: Case) {
  const cols = values.length / rows;
  const shared = { rows, cols, scheme, scaleDtype };
  const matrix = quantizeMatrix(values, { ...shared, name: 'x' });
  const bytes = new Map<string, string>();
  for (const piece of packBand({ ...shared, format, module: 'x' }, { matrix, from: 0 })) {
    const hex = Buffer.from(piece.bytes).toString('hex');
    bytes.set(piece.tensor, (bytes.get(piece.tensor) ?? '') + hex);
  }
  return Object.fromEntries(bytes);
}

const word = (value: number) => Buffer.from(Uint32Array.of(value).buffer).toString('hex');
const int4 = withGroup(parseScheme('int4-g32'), 8);
const asymmetric = withGroup(parseScheme('int4-asym-g32'), 8);

describe('packed as', () => {
  it('compressed-tensors, INT4', () => {
    const format = 'compressed-tensors';
    expect(packed({ values: X, rows: 1, scheme: int4, format })).toEqual({
      'x.weight_packed': word(0xfcba9864),
      'x.weight_scale': Buffer.from(Float32Array.of(0.26666668).buffer).toString('hex'),
      'x.weight_shape': '01000000000000000800000000000000',
    });
    const zeros = packed({ values: X, rows: 1, scheme: asymmetric, format });
    expect(zeros['x.weight_packed']).toBe(word(0xfa986520));
    // Zero point −3 is stored as 5; there are no other rows.
    expect(zeros['x.weight_zero_point']).toBe(word(5));
  });

  it('compressed-tensors, INT8', () => {
    const values = Float32Array.of(1, -1, 0.5, 0.25, -0.125, 0.0123, 0, -0.996);
    const scheme = parseScheme('int8-channel');
    const bytes = packed({ values, rows: 1, scheme, format: 'compressed-tensors' });
    expect(bytes['x.weight']).toBe('7f814020f0020081');
  });

  it('FP8', () => {
    const values = decodeF32(Buffer.from('803f00bf9a3e003c80bb003900000080', 'hex'), 'BF16');
    const scheme = parseScheme('fp8-block128');
    expect(packed({ values, rows: 1, scheme, format: 'fp8' })).toEqual({
      'x.weight': '7ef67046be160080',
      'x.weight_scale_inv': '2549123b',
    });
  });

  it('GPTQ: v2 keeps zero points, v1 stores them less one', () => {
    const values = Float32Array.from({ length: 64 }, (_, i) => X[i % 8]!);
    const of = { values, rows: 8, format: 'gptq', scaleDtype: 'F16' } as const;
    const bytes = packed({ ...of, scheme: asymmetric });
    expect(bytes['x.qweight']).toBe(word(0xfa986520).repeat(8));
    expect(bytes['x.qzeros']).toBe(word(0x55555555));
    expect(bytes['x.scales']).toBe('6632'.repeat(8));
    expect(bytes['x.g_idx']).toBe('00'.repeat(32));
    expect(packed({ ...of, scheme: int4 })['x.qzeros']).toBe(word(0x77777777));
  });

  it('AWQ: columns interleaved', () => {
    // One input, scale 1: rows 0…7 get the codes 15, 0, 9, 3, 12, 7, 1, 8.
    const codes = [15, 0, 9, 3, 12, 7, 1, 8];
    const scheme = asymmetric;
    const matrix = {
      ...{ scheme, rows: 8, cols: 1, group: 1, scaleDtype: 'F16' as const },
      codes: Int8Array.from(codes, (code) => code - 8),
      scales: new Float32Array(8).fill(1),
      zeroPoints: Int8Array.from({ length: 8 }, (_, row) => row - 8),
    };
    const shape = { module: 'x', rows: 8, cols: 1, scheme, scaleDtype: 'F16' as const };
    const pieces = packBand({ ...shape, format: 'awq' }, { matrix, from: 0 });
    const hex = (name: string) =>
      Buffer.from(pieces.find(({ tensor }) => tensor === name)!.bytes).toString('hex');
    expect(hex('x.qweight')).toBe(word(0x87301c9f));
    expect(hex('x.qzeros')).toBe(word(0x75316420));
  });
});
