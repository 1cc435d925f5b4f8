import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FormatError } from '../record/errors.ts';
import { decodeE4m3, decodeE8m0, decodeF16, decodeF32, E4M3_VALUES } from './dtype.ts';
import { encodeE4m3, encodeF32, roundTo } from './encode.ts';

const bytesOf = (view: ArrayBufferView) =>
  new Uint8Array(view.buffer, view.byteOffset, view.byteLength);

/** All finite non-negative values of a format, ascending, by code. */
function nearestEven(value: number, values: readonly number[]): number {
  const size = Math.abs(value);
  let best = 0;
  for (let code = 1; code < values.length; code++) {
    const closer = Math.abs(values[code]! - size) - Math.abs(values[best]! - size);
    if (closer < 0 || (closer === 0 && code % 2 === 0)) best = code;
  }
  return best;
}

/** Any f32, every exponent equally likely. */
const anyF32 = fc
  .integer({ min: -(2 ** 31), max: 2 ** 31 - 1 })
  .map((bits) => new Float32Array(Int32Array.of(bits).buffer)[0]!);

describe('E4M3FN', () => {
  it('has the values of its definition', () => {
    const golden: [number, number][] = [
      [0x00, 0],
      [0x01, 2 ** -9],
      [0x07, 0.013671875],
      [0x08, 2 ** -6],
      [0x38, 1],
      [0x3c, 1.5],
      [0x77, 240],
      [0x7e, 448],
      [0xfe, -448],
      [0x81, -(2 ** -9)],
    ];
    for (const [code, value] of golden) expect(decodeE4m3(code)).toBe(value);
    expect(Object.is(decodeE4m3(0x80), -0)).toBe(true);
    expect(decodeE4m3(0x7f)).toBeNaN();
    expect(decodeE4m3(0xff)).toBeNaN();
  });

  it('encodes all its own values back to their codes', () => {
    for (let code = 0; code < 256; code++) {
      // JavaScript has one NaN: its sign does not survive the way through a number.
      expect(encodeE4m3(E4M3_VALUES[code]!)).toBe(code === 0xff ? 0x7f : code);
    }
  });

  it('rounds every boundary between neighbours to even', () => {
    const next = (value: number, by: number) =>
      new Float32Array(
        Int32Array.of(new Int32Array(Float32Array.of(value).buffer)[0]! + by).buffer,
      )[0]!;
    for (let code = 0; code < 0x7e; code++) {
      const middle = (decodeE4m3(code) + decodeE4m3(code + 1)) / 2;
      expect(encodeE4m3(middle)).toBe(code % 2 === 0 ? code : code + 1);
      expect(encodeE4m3(next(middle, -1))).toBe(code);
      expect(encodeE4m3(next(middle, 1))).toBe(code + 1);
      expect(encodeE4m3(-middle)).toBe(0x80 | (code % 2 === 0 ? code : code + 1));
    }
  });

  it('saturates and keeps NaN', () => {
    expect(encodeE4m3(1e30)).toBe(0x7e);
    expect(encodeE4m3(Number.NEGATIVE_INFINITY)).toBe(0xfe);
    expect(encodeE4m3(Number.NaN) & 0x7f).toBe(0x7f);
  });

  it('is the nearest code for any f32', () => {
    const values = Array.from({ length: 127 }, (_, code) => decodeE4m3(code));
    fc.assert(
      fc.property(anyF32, (value) => {
        if (Number.isNaN(value)) return;
        const clamped = Math.max(-448, Math.min(448, value));
        const sign = value < 0 || Object.is(value, -0) ? 0x80 : 0;
        expect(encodeE4m3(value)).toBe(sign | nearestEven(clamped, values));
      }),
      { numRuns: 2000 },
    );
  });
});

describe('BF16 and F16', () => {
  it('decode and encode all codes unchanged, NaN canonical', () => {
    const codes = Uint16Array.from({ length: 65536 }, (_, code) => code);
    for (const dtype of ['BF16', 'F16'] as const) {
      const values = decodeF32(bytesOf(codes), dtype);
      const back = new Uint16Array(encodeF32(values, dtype).buffer);
      const nan = dtype === 'BF16' ? 0x7fc0 : 0x7e00;
      for (let i = 0; i < codes.length; i++) {
        expect(back[i]).toBe(Number.isNaN(values[i]!) ? nan : i);
      }
    }
  });

  it('F16 follows its definition', () => {
    expect(decodeF16(0x3c00)).toBe(1);
    expect(decodeF16(0x0001)).toBe(2 ** -24);
    expect(decodeF16(0x7bff)).toBe(65504);
    expect(decodeF16(0xfc00)).toBe(Number.NEGATIVE_INFINITY);
    expect(roundTo(65519.996, 'F16')).toBe(65504);
    expect(roundTo(65520, 'F16')).toBe(Number.POSITIVE_INFINITY);
    expect(roundTo(2 ** -25, 'F16')).toBe(0);
    expect(roundTo(2 ** -25 * 1.001, 'F16')).toBe(2 ** -24);
  });

  it('round to the nearest, ties to even', () => {
    const grid = (dtype: 'BF16' | 'F16', value: number) => {
      const [bias, precision] = dtype === 'BF16' ? [126, 8] : [14, 11];
      const exponent = Math.max(Math.floor(Math.log2(Math.abs(value))), -bias);
      return 2 ** (exponent - precision + 1);
    };
    fc.assert(
      fc.property(anyF32, fc.constantFrom('BF16' as const, 'F16' as const), (value, dtype) => {
        const limit = dtype === 'BF16' ? 3.389e38 : 65504;
        if (Number.isNaN(value) || Math.abs(value) > limit || value === 0) return;
        const step = grid(dtype, value);
        const lower = Math.floor(value / step);
        const part = value / step - lower;
        const up = part > 0.5 || (part === 0.5 && lower % 2 !== 0);
        expect(roundTo(value, dtype) + 0).toBe((lower + (up ? 1 : 0)) * step + 0);
      }),
      { numRuns: 3000 },
    );
  });
});

describe('other dtypes', () => {
  it('E8M0 is a power of two', () => {
    expect(decodeE8m0(127)).toBe(1);
    expect(decodeE8m0(0)).toBe(2 ** -127);
    expect(decodeE8m0(254)).toBe(2 ** 127);
    expect(decodeE8m0(255)).toBeNaN();
    expect([...decodeF32(Uint8Array.of(126, 128), 'F8_E8M0')]).toEqual([0.5, 2]);
  });

  it('E5M2, F64 and unaligned F32 decode', () => {
    expect([...decodeF32(Uint8Array.of(0x3c, 0xfc, 0x01), 'F8_E5M2')]).toEqual([
      1,
      Number.NEGATIVE_INFINITY,
      2 ** -16,
    ]);
    expect([...decodeF32(bytesOf(Float64Array.of(0.1, 1e300)), 'F64')]).toEqual([
      Math.fround(0.1),
      Number.POSITIVE_INFINITY,
    ]);
    const shifted = new Uint8Array(9);
    shifted.set(bytesOf(Float32Array.of(1.5, -2)), 1);
    expect([...decodeF32(shifted.subarray(1), 'F32')]).toEqual([1.5, -2]);
  });

  it('refuses integers', () => {
    expect(() => decodeF32(new Uint8Array(8), 'I64')).toThrow(FormatError);
  });
});
