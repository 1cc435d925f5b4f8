/** WASM ≡ TypeScript, byte for byte, and both ≡ the quantizer and the formats' golden values. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { KernelFloat, Kernels, Lines } from './kernels.ts';
import { plainKernels } from './plain-kernels.ts';
import { wasmKernels } from './wasm-kernels.ts';

const wasm = wasmKernels()!;
const plain = plainKernels();
const GUARD = 64;

type Input = Float32Array | Int8Array | Int32Array;

/**
 * Runs a job with each kind of kernels over equal inputs and compares all that was written, and
 * the bytes behind it.
 */
function compare(
  inputs: readonly Input[],
  outputBytes: number,
  run: (kernels: Kernels, at: readonly number[], dst: number) => void,
): Uint8Array {
  const results = [wasm, plain].map((kernels) => {
    kernels.memory.reset();
    const scratchFirst = kernels.memory.take(1 << 14);
    kernels.memory.bytes(scratchFirst, 1 << 14).fill(0xa5);
    const at = inputs.map((input) => kernels.memory.put(input));
    const dst = kernels.memory.take(outputBytes + GUARD);
    kernels.memory.bytes(dst, outputBytes + GUARD).fill(0xa5);
    run(kernels, [...at, scratchFirst], dst);
    return kernels.memory.bytes(dst, outputBytes + GUARD).slice();
  });
  const [fast, slow] = results as [Uint8Array, Uint8Array];
  const differs = fast.findIndex((byte, i) => byte !== slow[i]);
  expect({ differs, fast: fast[differs], slow: slow[differs] }).toEqual({ differs: -1 });
  expect(fast.subarray(outputBytes).every((byte) => byte === 0xa5)).toBe(true);
  return fast.subarray(0, outputBytes);
}

/** Seeded bytes: a property's failure is then told by three small numbers. */
function noise(count: number, seed: number): Int32Array {
  const out = new Int32Array(Math.ceil(count / 4));
  let state = seed | 1;
  for (let i = 0; i < out.length; i++) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    out[i] = state;
  }
  return out;
}

/** Usual, subnormal, huge: what a checkpoint may hold as a scale. */
const scale = fc
  .oneof(
    fc.float({ min: Math.fround(1e-5), max: 1, noNaN: true }),
    fc.float({ min: Math.fround(1e-45), max: Math.fround(3.4e38), noNaN: true }),
    fc.constantFrom(2 ** -149, 2 ** -126, 2 ** -107, 2 ** -106, 2 ** 103, 2 ** 104, 3.4e38, 1),
  )
  .map((value) => Math.max(Math.fround(value), 2 ** -149));

const shape = { rows: fc.integer({ min: 1, max: 9 }), cols: fc.integer({ min: 1, max: 300 }) };
const seed = fc.integer();
const KINDS: readonly KernelFloat[] = ['BF16', 'F32'];
const kind = fc.constantFrom(...KINDS);
const width = (of: KernelFloat): number => (of === 'F32' ? 4 : 2);

/** Finite values: of all exponents, of one range, subnormal, or all zero. */
function finite(count: number, { seed, mode }: { seed: number; mode: number }, of: KernelFloat) {
  const bits = noise(4 * count, seed);
  for (let i = 0; i < count; i++) {
    const raw = bits[i]!;
    const like = [
      (raw & 0xff7fffff) | 0,
      (raw & 0x807fffff) | ((110 + ((raw >>> 24) & 15)) << 23),
      raw & 0x807fffff,
      i % 3 === 0 ? 0 : 0x80000000 | 0,
    ][mode % 4]!;
    bits[i] = of === 'BF16' ? like & 0xffff0000 : like;
  }
  return new Float32Array(bits.buffer);
}

const valuesIn = fc.record({ seed, mode: fc.nat(3) });

function stored(values: Float32Array, as: KernelFloat): Input {
  if (as === 'F32') return values;
  const bits = new Int32Array(values.buffer);
  return new Int8Array(Uint16Array.from(bits, (each) => each >>> 16).buffer);
}

describe('FP8', () => {
  const blocks = fc.record({
    ...shape,
    blockRows: fc.constantFrom(1, 3, 128, 1000),
    blockCols: fc.constantFrom(1, 5, 16, 33, 128, 1000),
    phase: fc.nat(2),
    seed,
    scales: fc.array(scale, { minLength: 1, maxLength: 40 }),
  });

  it.each(KINDS)('all codes, NaN too, in any blocks → %s', (to) => {
    fc.assert(
      fc.property(blocks, (of) => {
        const { rows, cols, blockRows, blockCols } = of;
        const phase = of.phase % blockRows;
        const across = Math.ceil(cols / blockCols);
        const count = Math.ceil((rows + phase) / blockRows) * across;
        const scales = Float32Array.from(
          { length: count },
          (_, i) => of.scales[i % of.scales.length]!,
        );
        const inputs = [noise(rows * cols, of.seed), scales];
        compare(inputs, width(to) * rows * cols, (kernels, [src, at, scratch], dst) => {
          const job = { src: src!, dst, rows, cols, scales: at!, phase, blockRows, blockCols };
          kernels.decodeFp8({ ...job, to, scratch: scratch! });
        });
      }),
      { numRuns: 300 },
    );
  });

  it('every code × scales of every exponent → BF16', () => {
    const codes = new Int8Array(256).map((_, i) => i);
    for (let exponent = 0; exponent < 255; exponent++) {
      for (const mantissa of [0, 1, 0x2aaaaa, 0x7fffff]) {
        const bits = Int32Array.of((exponent << 23) | mantissa);
        const scales = new Float32Array(bits.buffer);
        if (scales[0] === 0) continue;
        compare([codes, scales], 512, (kernels, [src, at, scratch], dst) => {
          const one = { rows: 1, cols: 256, phase: 0, blockRows: 1, blockCols: 256 };
          kernels.decodeFp8({ src: src!, dst, ...one, scales: at!, to: 'BF16', scratch: scratch! });
        });
      }
    }
  });

  it.each(KINDS)('finite %s → codes, and the extremes of blocks', (from) => {
    fc.assert(
      fc.property(blocks, valuesIn, (of, how) => {
        const { rows, cols, blockRows, blockCols } = of;
        const input = stored(finite(rows * cols, how, from), from);
        const cells = Math.ceil(rows / blockRows) * Math.ceil(cols / blockCols);
        const grid = { rows, cols, blockRows, blockCols, from };
        const maxima = compare([input], 4 * cells, (kernels, [src], dst) =>
          kernels.absmax({ src: src!, dst, ...grid }),
        );
        const scales = new Float32Array(maxima.slice().buffer).map((most, i) =>
          i % 3 === 0 ? of.scales[i % of.scales.length]! : Math.max(most / 448, 2 ** -149),
        );
        compare([input, scales], rows * cols, (kernels, [src, at], dst) =>
          kernels.encodeFp8({ src: src!, dst, ...grid, scales: at! }),
        );
      }),
      { numRuns: 300 },
    );
  });

  it('all 65,536 BF16 but NaN and infinities × scales', () => {
    const all = Uint16Array.from({ length: 65536 }, (_, i) => ((i & 0x7f80) === 0x7f80 ? 0 : i));
    const input = new Int8Array(all.buffer);
    for (const value of [1, 0.0123, 2 ** -20, 3e-5, 1e-38, 2 ** -149, 1e30]) {
      compare([input, Float32Array.of(value)], 65536, (kernels, [src, at], dst) => {
        const one = { rows: 1, cols: 65536, blockRows: 1, blockCols: 65536 };
        kernels.encodeFp8({ src: src!, dst, ...one, scales: at!, from: 'BF16' });
      });
    }
  });

  it('NaN and infinity show in the extremes', () => {
    for (const bad of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]) {
      for (let place = 0; place < 20; place++) {
        const values = new Float32Array(20).fill(1);
        values[place] = bad;
        const grid = { rows: 1, cols: 20, blockRows: 1, blockCols: 20, from: 'F32' as const };
        const maxima = compare([values], 4, (kernels, [src], dst) =>
          kernels.absmax({ src: src!, dst, ...grid }),
        );
        expect(Number.isFinite(new Float32Array(maxima.slice().buffer)[0])).toBe(false);
      }
    }
  });
});

describe('integers', () => {
  const lines = fc
    .record({
      rows: fc.integer({ min: 1, max: 6 }),
      groups: fc.integer({ min: 1, max: 5 }),
      group: fc.oneof(fc.constantFrom(16, 32, 64, 128, 200, 256), fc.integer({ min: 1, max: 70 })),
      bits: fc.constantFrom<4 | 8>(4, 8),
      signed: fc.boolean(),
      asymmetric: fc.boolean(),
      scales: fc.array(scale, { minLength: 1, maxLength: 40 }),
      seed,
    })
    .map(({ groups, signed, ...of }) => {
      const cols = groups * of.group;
      const packed = Math.ceil((cols * of.bits) / 32) * 4;
      const isBytes = of.bits === 8 && signed;
      const flip: 0 | 0x80 = of.bits === 8 && !signed ? 0x80 : 0;
      const count = of.rows * groups;
      const scales = Float32Array.from(
        { length: count },
        (_, i) => of.scales[i % of.scales.length]!,
      );
      const half = 2 ** (of.bits - 1);
      const bytes = new Int8Array(noise(count, of.seed ^ 5).buffer, 0, count);
      const zeros = bytes.map((byte) => (of.bits === 8 ? byte : (byte & 15) - half));
      return { ...of, cols, stride: isBytes ? cols : packed, flip, scales, zeros };
    });

  const jobOf = (of: { asymmetric: boolean } & Omit<Lines, 'scales' | 'zeros'>, at: number[]) => ({
    ...{ rows: of.rows, cols: of.cols, group: of.group, bits: of.bits },
    ...{ stride: of.stride, flip: of.flip },
    scales: at[0]!,
    zeros: of.asymmetric ? at[1]! : 0,
  });

  it.each(KINDS)('any codes in any groups → %s', (to) => {
    fc.assert(
      fc.property(lines, ({ scales, zeros, ...of }) => {
        const inputs = [noise(of.rows * of.stride, of.seed), scales, zeros];
        compare(inputs, width(to) * of.rows * of.cols, (kernels, [src, s, z, scratch], dst) =>
          kernels.decodeInt({ src: src!, dst, ...jobOf(of, [s!, z!]), to, scratch: scratch! }),
        );
      }),
      { numRuns: 400 },
    );
  });

  it('in act-order', () => {
    fc.assert(
      fc.property(lines, ({ scales, zeros, ...of }) => {
        const groups = of.cols / of.group;
        const index = noise(4 * of.cols, of.seed ^ 9).map((n) => (n >>> 0) % groups);
        const inputs = [noise(of.rows * of.stride, of.seed), scales, zeros, index];
        compare(inputs, 4 * of.rows * of.cols, (kernels, [src, s, z, i], dst) =>
          kernels.decodeOrderedInt({ src: src!, dst, ...jobOf(of, [s!, z!]), index: i! }),
        );
      }),
    );
  });

  it('finite values → codes, and the ranges of groups', () => {
    fc.assert(
      fc.property(lines, valuesIn, kind, ({ scales, zeros, ...of }, how, from) => {
        const values = finite(of.rows * of.cols, how, from);
        const input = stored(values, from);
        const groups = (of.rows * of.cols) / of.group;
        compare([input], 8 * groups, (kernels, [src], dst) =>
          kernels.ranges({ src: src!, dst, groups, group: of.group, from }),
        );
        const fitting = scales.map((each, g) => {
          const start = g * of.group;
          const most = values
            .subarray(start, start + of.group)
            .reduce((max, value) => Math.max(max, Math.abs(value)), 0);
          return g % 3 === 0 ? each : Math.max(Math.fround(most / 7.5), 2 ** -149);
        });
        const bytes = of.rows * of.stride;
        compare([input, fitting, zeros], bytes, (kernels, [src, s, z], dst) =>
          kernels.encodeInt({ src: src!, dst, ...jobOf(of, [s!, z!]), from }),
        );
      }),
      { numRuns: 400 },
    );
  });
});

describe('words', () => {
  const words = fc.record({
    rows: fc.integer({ min: 1, max: 40 }),
    cols: fc.integer({ min: 1, max: 40 }),
    before: fc.nat(3),
    after: fc.nat(3),
    seed,
  });

  it('transposed, and back', () => {
    fc.assert(
      fc.property(words, ({ rows, cols, before, after, seed: start }) => {
        const stride = 4 * (cols + before);
        const pitch = 4 * (rows + after);
        const input = noise(rows * stride, start);
        const out = compare([input], cols * pitch, (kernels, [src], dst) =>
          kernels.transposeWords({ src: src!, dst, rows, cols, stride, pitch }),
        );
        const turned = new Int32Array(out.slice().buffer);
        for (let row = 0; row < rows; row++) {
          for (let col = 0; col < cols; col++) {
            expect(turned[(col * pitch) / 4 + row]).toBe(input[(row * stride) / 4 + col]);
          }
        }
      }),
      { numRuns: 60 },
    );
  });

  it('AWQ → GPTQ → AWQ', () => {
    fc.assert(
      fc.property(words, ({ rows, cols, before, after, seed: start }) => {
        const stride = 4 * (cols + before);
        const pitch = 4 * (8 * cols + after);
        const input = noise(8 * rows * stride, start);
        const gptq = compare([input], rows * pitch, (kernels, [src], dst) =>
          kernels.awqToGptq({ src: src!, dst, rows, cols, stride, pitch }),
        );
        const middle = new Int32Array(gptq.slice().buffer);
        const back = compare([middle], 8 * rows * stride, (kernels, [src], dst) =>
          kernels.gptqToAwq({ src: src!, dst, rows, cols, stride: pitch, pitch: stride }),
        );
        const again = new Int32Array(back.slice().buffer);
        for (let line = 0; line < 8 * rows; line++) {
          const at = (line * stride) / 4;
          expect(again.subarray(at, at + cols)).toEqual(input.subarray(at, at + cols));
        }
      }),
      { numRuns: 60 },
    );
  });

  it('the golden word of AWQ', () => {
    // Column j of the word is j; as eight inputs of one word they are eight outputs of eight words.
    const input = new Int32Array(8).fill(0x75316420);
    const out = compare([input], 32, (kernels, [src], dst) =>
      kernels.awqToGptq({ src: src!, dst, rows: 1, cols: 1, stride: 4, pitch: 32 }),
    );
    const expected = Array.from({ length: 8 }, (_, j) => 0x11111111 * j);
    expect([...new Uint32Array(out.slice().buffer)]).toEqual(expected);
  });

  it('F32 → BF16', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 100 }), seed, (count, start) => {
        compare([noise(4 * count, start)], 2 * count, (kernels, [src], dst) =>
          kernels.roundToBf16({ src: src!, dst, count }),
        );
      }),
    );
  });
});
