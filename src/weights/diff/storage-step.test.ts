import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeF32, E4M3_VALUES } from '../dtype.ts';
import { encodeF32, type StoredFloat } from '../encode.ts';
import type { Fp8Tensor, PlainTensor } from '../formats/stored-tensor.ts';
import type { Dtype } from '../source.ts';
import { halfSteps } from './storage-step.ts';

const location = { file: 'x', offset: 0 };
const noRead = () => {
  throw new Error('reads nothing');
};

function plain(dtype: Dtype): PlainTensor {
  const codes = { name: 'x', dtype, shape: [1], bytes: 4, location };
  return { kind: 'plain', name: 'x', shape: [1], codes };
}

function stepAt(tensor: PlainTensor | Fp8Tensor, value: number, scale = 1): number {
  const out = new Float64Array(1);
  const read =
    tensor.kind === 'plain' ? noRead : () => new Uint8Array(Float32Array.of(scale).buffer);
  halfSteps(tensor, read)({ row: 0, col: 0 }, Float32Array.of(value), out);
  return out[0]!;
}

describe('half a step', () => {
  const values = fc.float({ noNaN: true, noDefaultInfinity: true, min: -60_000, max: 60_000 });

  it.each<StoredFloat>(['BF16', 'F16'])(
    'of %s bounds what rounding does, within a factor',
    (dtype) => {
      fc.assert(
        fc.property(values, (value) => {
          const stored = decodeF32(encodeF32(Float32Array.of(value), dtype), dtype)[0]!;
          expect(Math.abs(value - stored)).toBeLessThanOrEqual(stepAt(plain(dtype), stored));
        }),
        { numRuns: 2000 },
      );
    },
  );

  it.each<[StoredFloat, number, number]>([
    ['BF16', 1, 2 ** -8],
    ['BF16', 1.5, 2 ** -8],
    ['F16', 1, 2 ** -11],
    ['F16', 0, 2 ** -25],
    ['F32', 1, 2 ** -24],
  ])('of %s at %d is %d', (dtype, at, wanted) => {
    expect(stepAt(plain(dtype), at) - at * 2 ** -22).toBeCloseTo(wanted, 12);
  });

  it('of E4M3 is half of the gap to the next code, for all codes and scales', () => {
    const part = { name: 's', dtype: 'F32' as const, shape: [1], bytes: 4, location };
    const tensor: Fp8Tensor = {
      ...{ kind: 'fp8', name: 'x', shape: [1, 1], matrices: 1, rows: 1, cols: 1 },
      ...{ block: { rows: 1, cols: 1 }, codes: part, scales: part, extras: [] },
    };
    for (let code = 0; code < 126; code++) {
      for (const scale of [1, 3.7e-5, 2 ** -20, 900]) {
        const value = Math.fround(E4M3_VALUES[code]! * scale);
        const gap = (E4M3_VALUES[code + 1]! - E4M3_VALUES[code]!) * scale;
        const step = stepAt(tensor, value, Math.fround(scale));
        expect(step).toBeGreaterThanOrEqual((gap / 2) * (1 - 1e-6));
        expect(step).toBeLessThanOrEqual((gap / 2) * (1 + 1e-5));
      }
    }
  });
});
