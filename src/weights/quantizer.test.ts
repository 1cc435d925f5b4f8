import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FormatError } from '../record/errors.ts';
import { decodeE4m3, decodeF32 } from './dtype.ts';
import { encodeF32, roundTo, type StoredFloat } from './encode.ts';
import { dequantizeMatrix, type QuantizeOptions, quantizeMatrix } from './quantizer.ts';
import { EPSILON } from './scale.ts';
import { parseScheme, type Scheme, withGroup } from './scheme.ts';

const hex = (bytes: ArrayLike<number>) => Buffer.from(Uint8Array.from(bytes)).toString('hex');
const unhex = (text: string) => Uint8Array.from(Buffer.from(text, 'hex'));

/** The plain obvious reference that the fast loops must equal bit for bit. */
function reference(values: Float32Array, options: QuantizeOptions) {
  const { rows, cols, scheme, scaleDtype, heldIn = scaleDtype, absmax: whole = 0 } = options;
  const f = Math.fround;
  const clamp = (x: number, low: number, high: number) => Math.min(Math.max(x, low), high);
  const even = (x: number) => {
    const down = Math.floor(x);
    const part = x - down;
    return part < 0.5 || (part === 0.5 && down % 2 === 0) ? down : down + 1;
  };
  const store = (raw: number, whenZero: number) => {
    const largest = { F32: 3.4028234663852886e38, BF16: 3.3895313892515355e38, F16: 65504 };
    const most = Math.min(largest[scaleDtype], largest[heldIn]);
    return Math.min(roundTo(roundTo(raw, scaleDtype), heldIn) || whenZero, most);
  };
  const fp8Code = (y: number) => {
    let best = 0;
    for (let code = 1; code < 127; code++) {
      const gain =
        Math.abs(decodeE4m3(code) - Math.abs(y)) - Math.abs(decodeE4m3(best) - Math.abs(y));
      if (gain < 0 || (gain === 0 && code % 2 === 0)) best = code;
    }
    return best | (y < 0 || Object.is(y, -0) ? 0x80 : 0);
  };
  const width = scheme.group ?? cols;
  const height = { block: 128, tensor: rows }[scheme.layout as string] ?? 1;
  const across = Math.ceil(cols / width);
  const scales = new Float32Array(Math.ceil(rows / height) * across);
  const zeros = new Int8Array(scales.length);
  const codes = new Uint8Array(values.length);
  const indexOf = (i: number) =>
    Math.floor(Math.floor(i / cols) / height) * across + Math.floor((i % cols) / width);
  for (let s = 0; s < scales.length; s++) {
    const members = [...values].filter((_, i) => indexOf(i) === s);
    const absmax = Math.max(whole, ...members.map(Math.abs));
    const min = Math.min(0, ...members);
    const max = Math.max(0, ...members);
    if (scheme.family === 'fp8') {
      scales[s] = store(f(absmax / 448), scheme.layout === 'block' ? 1 : EPSILON[scaleDtype]);
    } else if (scheme.symmetric) {
      scales[s] = store(f(absmax / (scheme.bits === 8 ? 127.5 : 7.5)), EPSILON[scaleDtype]);
    } else {
      const range = f(max - min) === Number.POSITIVE_INFINITY ? max - min : f(max - min);
      scales[s] = store(f(range / 15), EPSILON[scaleDtype]);
      zeros[s] = even(clamp(f(-8 - f(min / scales[s]!)), -8, 7));
    }
  }
  for (let i = 0; i < values.length; i++) {
    const y = f(values[i]! / scales[indexOf(i)]!);
    if (scheme.family === 'fp8') codes[i] = fp8Code(clamp(y, -448, 448));
    else if (scheme.bits === 8) codes[i] = even(clamp(y, -128, 127));
    else codes[i] = even(clamp(f(y + zeros[indexOf(i)]!), -8, 7));
  }
  return { scales, zeros, codes };
}

const requested = [
  'fp8-block128',
  'fp8-channel',
  'fp8-tensor',
  'int8-channel',
  'int8-g128',
  'int4-g32',
  'int4-g128',
  'int4-asym-g32',
  'int4-asym-g128',
] as const;

function options(text: string, rows: number, cols: number, scaleDtype: StoredFloat) {
  const scheme = parseScheme(text);
  return { rows, cols, scheme, scaleDtype, name: 'w' } satisfies QuantizeOptions;
}

describe('golden vectors', () => {
  it('FP8 block: dequantization to BF16', () => {
    const codes = unhex('00010708383c557e80c3fe');
    const scales = decodeF32(unhex('f085493c'), 'F32');
    const matrix = {
      scheme: parseScheme('fp8-block128'),
      rows: 1,
      cols: 11,
      group: 128,
      codes,
      scales,
      scaleDtype: 'F32' as const,
      zeroPoints: null,
    };
    expect(hex(encodeF32(dequantizeMatrix(matrix), 'BF16'))).toBe(
      '0000ca3730394a394a3c973c243eb04000800bbdb0c0',
    );
  });

  it('FP8 block: quantization', () => {
    const values = decodeF32(unhex('803f00bf9a3e003c80bb003900000080'), 'BF16');
    const { codes, scales } = quantizeMatrix(values, options('fp8-block128', 1, 8, 'F32'));
    expect(hex(codes)).toBe('7ef67046be160080');
    expect(hex(encodeF32(scales, 'F32'))).toBe('2549123b');
  });

  it('FP8 block: follows DeepSeek, not compressed-tensors', () => {
    const values = decodeF32(unhex('a63da0bc'), 'BF16');
    const { codes } = quantizeMatrix(values, options('fp8-block128', 1, 2, 'F32'));
    expect(codes[1]).toBe(0xed);
  });

  it('INT8 channel', () => {
    const values = Float32Array.of(1, -1, 0.5, 0.25, -0.125, 0.0123, 0, -0.996);
    const { codes, scales } = quantizeMatrix(values, options('int8-channel', 1, 8, 'F32'));
    expect(hex(codes)).toBe('7f814020f0020081');
    expect(scales[0]).toBe(Math.fround(0.0078431377));
  });

  it('INT4 symmetric and asymmetric', () => {
    const values = Float32Array.of(-1, -0.5, 0, 0.25, 0.5, 0.75, 1, 2);
    const word = (codes: ArrayLike<number>) =>
      Array.from(codes).reduce((sum, q, i) => sum + (q + 8) * 16 ** i, 0);
    const at8 = (text: string) => {
      const wanted = options(text, 1, 8, 'F32');
      return { ...wanted, scheme: withGroup(wanted.scheme, 8) };
    };
    const symmetric = quantizeMatrix(values, at8('int4-g32'));
    expect(symmetric.scales[0]).toBe(Math.fround(0.26666668));
    expect(word(symmetric.codes)).toBe(0xfcba9864);
    const asymmetric = quantizeMatrix(values, at8('int4-asym-g32'));
    expect(asymmetric.scales[0]).toBe(Math.fround(0.2));
    expect([...asymmetric.zeroPoints!]).toEqual([-3]);
    expect([...asymmetric.codes]).toEqual([-8, -6, -3, -2, 0, 1, 2, 7]);
    expect(word(asymmetric.codes)).toBe(0xfa986520);
  });
});

/** Values as weights have them, and as none has them: all exponents, ties, zeros of both signs. */
const hostileValue = fc.oneof(
  { weight: 4, arbitrary: fc.double({ min: -0.1, max: 0.1, noNaN: true }).map(Math.fround) },
  { weight: 2, arbitrary: fc.integer({ min: -30, max: 30 }).map((k) => k / 4) },
  { weight: 1, arbitrary: fc.constantFrom(0, -0, 1.4e-45, -1e-40, 3.4028234663852886e38, -3e38) },
  { weight: 1, arbitrary: fc.float({ noNaN: true, noDefaultInfinity: true }) },
);

describe('the fast loops', () => {
  it.each(requested)('%s equal the reference bit for bit', (text) => {
    const dtype = fc.constantFrom<StoredFloat>('F32', 'BF16', 'F16');
    const scheme: Scheme = parseScheme(text);
    const step = scheme.layout === 'group' ? scheme.group! : 1;
    const size = fc.record({
      rows: fc.integer({ min: 1, max: scheme.layout === 'block' ? 140 : 3 }),
      cols: fc.integer({ min: 1, max: 4 }).map((n) => (step === 1 ? n * 37 : n * step)),
      seed: fc.array(hostileValue, { minLength: 1, maxLength: 97 }),
      shrink: fc.constantFrom(1, 2 ** -20, 2 ** -126),
    });
    fc.assert(
      fc.property(size, dtype, fc.boolean(), ({ rows, cols, seed, shrink }, scaleDtype, both) => {
        const values = Float32Array.from(
          { length: rows * cols },
          (_, i) => seed[(i * 7 + Math.floor(i / 31)) % seed.length]! * shrink,
        );
        const alone = options(text, rows, cols, scaleDtype);
        const half = both && scheme.family === 'int';
        const wanted = half ? { ...alone, heldIn: 'F16' as const } : alone;
        const fast = quantizeMatrix(values, wanted);
        const slow = reference(values, wanted);
        expect(Buffer.from(encodeF32(fast.scales, 'F32')).equals(encodeF32(slow.scales, 'F32')));
        expect(fast.scales).toEqual(slow.scales);
        expect(Buffer.compare(Buffer.from(fast.codes.buffer), Buffer.from(slow.codes.buffer))).toBe(
          0,
        );
        if (fast.zeroPoints !== null) expect(fast.zeroPoints).toEqual(slow.zeros);
      }),
      { numRuns: scheme.layout === 'block' ? 12 : 60 },
    );
  });

  it.each(requested)('%s stays within half a step where the scale fits', (text) => {
    const cols = 256;
    const values = Float32Array.from({ length: 4 * cols }, (_, i) => Math.sin(i * 1.7) * 0.05);
    const matrix = quantizeMatrix(values, options(text, 4, cols, 'F32'));
    const back = dequantizeMatrix(matrix);
    const step = matrix.scheme.family === 'fp8' ? 32 : 1.02;
    const largest = Math.max(...matrix.scales) * step * 0.5;
    for (let i = 0; i < values.length; i++) {
      expect(Math.abs(values[i]! - back[i]!)).toBeLessThanOrEqual(largest);
    }
  });
});

describe('edges', () => {
  it.each(requested)('%s: an all-zero matrix comes back as zeros', (text) => {
    for (const dtype of ['F32', 'BF16', 'F16'] as const) {
      const matrix = quantizeMatrix(new Float32Array(256), options(text, 2, 128, dtype));
      expect(dequantizeMatrix(matrix)).toEqual(new Float32Array(256));
      expect(matrix.scales.every((scale) => scale > 0)).toBe(true);
    }
  });

  it('scales hold what the stored dtype holds', () => {
    const values = Float32Array.from({ length: 512 }, (_, i) => Math.cos(i) * 0.03);
    for (const dtype of ['BF16', 'F16'] as const) {
      const { scales } = quantizeMatrix(values, options('int4-g32', 4, 128, dtype));
      expect(decodeF32(encodeF32(scales, dtype), dtype)).toEqual(scales);
    }
  });

  it('one scale per tensor is that of all its rows, also where only some are there', () => {
    const values = Float32Array.from({ length: 6 * 32 }, (_, i) => Math.sin(i) * (1 + i));
    const all = quantizeMatrix(values, options('fp8-tensor', 6, 32, 'BF16'));
    const absmax = Math.max(...values.map(Math.abs));
    const some = { ...options('fp8-tensor', 2, 32, 'BF16'), absmax };
    const parts = [0, 2, 4].map((row) =>
      quantizeMatrix(values.slice(row * 32, (row + 2) * 32), some),
    );
    expect(all.scales.length).toBe(1);
    expect(parts.flatMap(({ codes }) => [...codes])).toEqual([...all.codes]);
    for (const { scales } of parts) expect(scales).toEqual(all.scales);
  });

  it('FP8 blocks are ragged at the edges', () => {
    const values = Float32Array.from({ length: 130 * 129 }, (_, i) => (i % 11) - 5);
    const { scales } = quantizeMatrix(values, options('fp8-block128', 130, 129, 'F32'));
    expect(scales.length).toBe(4);
  });

  it.each(requested)('%s: NaN and infinity are refused by name and index', (text) => {
    for (const bad of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]) {
      const values = new Float32Array(256).fill(0.5);
      values[200] = bad;
      const attempt = () => quantizeMatrix(values, options(text, 2, 128, 'BF16'));
      expect(attempt).toThrow(FormatError);
      expect(attempt).toThrow(/tensor "w" holds .* at index 200 \(row 1, column 72\)/);
    }
  });

  it('refuses a group that does not divide the row', () => {
    const attempt = () => quantizeMatrix(new Float32Array(100), options('int4-g32', 1, 100, 'F32'));
    expect(attempt).toThrow(RangeError);
  });

  it('does not change its input, also as a view into a larger buffer', () => {
    const all = Float32Array.from({ length: 130 }, (_, i) => i - 60);
    const before = all.slice();
    const part = quantizeMatrix(all.subarray(1, 129), options('int4-g32', 1, 128, 'F32'));
    const copy = quantizeMatrix(all.slice(1, 129), options('int4-g32', 1, 128, 'F32'));
    expect(part).toEqual(copy);
    expect(all).toEqual(before);
  });
});
