/** The GGUF files that Assay is compared on: ggml's blocks, the header, the order of heads. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { BLOCK, encodeQ40, encodeQ80 } from '../../benchmarks/llama-cpp/ggml-blocks.ts';
import { ggufHeader, writeGguf } from '../../benchmarks/llama-cpp/gguf.ts';
import { interleaveHeads } from '../../benchmarks/llama-cpp/llama-gguf.ts';
import { decodeF16 } from '../../src/weights/dtype.ts';

const scaleOf = (bytes: Uint8Array, at: number): number =>
  decodeF16(bytes[at]! | (bytes[at + 1]! << 8));

function decodeQ80(bytes: Uint8Array): number[] {
  return Array.from({ length: (bytes.length / 34) * BLOCK }, (_, i) => {
    const at = Math.floor(i / BLOCK) * 34;
    const code = (bytes[at + 2 + (i % BLOCK)]! << 24) >> 24;
    return code * scaleOf(bytes, at);
  });
}

function decodeQ40(bytes: Uint8Array): number[] {
  return Array.from({ length: (bytes.length / 18) * BLOCK }, (_, i) => {
    const at = Math.floor(i / BLOCK) * 18;
    const inBlock = i % BLOCK;
    const byte = bytes[at + 2 + (inBlock % 16)]!;
    return ((inBlock < 16 ? byte & 15 : byte >> 4) - 8) * scaleOf(bytes, at);
  });
}

const blocks = fc
  .array(fc.float({ min: -4, max: 4, noNaN: true }), { minLength: BLOCK, maxLength: 4 * BLOCK })
  .map((values) => Float32Array.from(values.slice(0, values.length - (values.length % BLOCK))));

describe('ggml blocks', () => {
  test('Q8_0 keeps every value within half a step, and the largest within the rounding of f16', () => {
    fc.assert(
      fc.property(blocks, (values) => {
        const back = decodeQ80(encodeQ80(values));
        for (const [i, value] of values.entries()) {
          const block = values.subarray(i - (i % BLOCK), i - (i % BLOCK) + BLOCK);
          const step = Math.max(...block.map(Math.abs)) / 127;
          // Half a step; 127 codes times a scale that f16 rounds by 2⁻¹¹, or 2⁻²⁵ near zero.
          const bound = step * (0.5 + 127 * 2 ** -11) + 127 * 2 ** -25;
          expect(Math.abs(back[i]! - value)).toBeLessThanOrEqual(bound * 1.0001);
        }
      }),
    );
  });

  test('Q4_0 keeps every value within a step of absmax / 8', () => {
    fc.assert(
      fc.property(blocks, (values) => {
        const back = decodeQ40(encodeQ40(values));
        for (const [i, value] of values.entries()) {
          const block = values.subarray(i - (i % BLOCK), i - (i % BLOCK) + BLOCK);
          const step = Math.max(...block.map(Math.abs)) / 8;
          // The side opposite to the largest value ends at code 15: it may miss a whole step.
          const bound = step * (1 + 8 * 2 ** -11) + 8 * 2 ** -25;
          expect(Math.abs(back[i]! - value)).toBeLessThanOrEqual(bound * 1.0001);
        }
      }),
    );
  });

  test('a block by hand', () => {
    const values = Float32Array.from({ length: 32 }, (_, i) => (i === 5 ? -8 : i === 20 ? 7 : 0));
    const q4 = encodeQ40(values);
    // d = −8 / −8 = 1 is 0x3C00; −8 is code 0, 0 is code 8, 7 is code 15.
    expect([...q4.subarray(0, 2)]).toEqual([0x00, 0x3c]);
    expect([q4[2 + 5], q4[2 + 4], q4[2 + 0]]).toEqual([0x80, 0xf8, 0x88]);
    const q8 = encodeQ80(values.map((value) => (value * 127) / 8));
    expect([...q8.subarray(0, 2)]).toEqual([0x00, 0x3c]);
    // −127 and 111.125 as signed bytes.
    expect([q8[2 + 5], q8[2 + 20], q8[2 + 0]]).toEqual([129, 111, 0]);
  });

  test('zeros stay zeros; half a block is refused', () => {
    expect(decodeQ80(encodeQ80(new Float32Array(32))).every((value) => value === 0)).toBe(true);
    expect(decodeQ40(encodeQ40(new Float32Array(32))).every((value) => value === 0)).toBe(true);
    expect(() => encodeQ40(new Float32Array(33))).toThrow('33 values');
  });
});

describe('the file', () => {
  const tensor = (name: string, shape: number[], bytes: Uint8Array) => {
    return { name, type: 'F32' as const, shape, data: () => bytes };
  };

  test('magic, counts, reversed dimensions, tensors on multiples of 32 bytes', () => {
    const folder = mkdtempSync(join(tmpdir(), 'assay-test-'));
    const path = join(folder, 'model.gguf');
    const first = Float32Array.of(1, 2, 3, 4, 5, 6);
    const second = Float32Array.of(7);
    const tensors = [
      tensor('a', [2, 3], new Uint8Array(first.buffer)),
      tensor('b', [1], new Uint8Array(second.buffer)),
    ];
    writeGguf(path, { 'general.architecture': { text: 'llama' } }, tensors);
    const bytes = readFileSync(path);
    rmSync(folder, { recursive: true });
    expect(bytes.toString('latin1', 0, 4)).toBe('GGUF');
    expect(bytes.readUInt32LE(4)).toBe(3);
    expect([bytes.readBigUInt64LE(8), bytes.readBigUInt64LE(16)]).toEqual([2n, 1n]);
    const data = ggufHeader({ 'general.architecture': { text: 'llama' } }, tensors).length;
    expect(data % 32).toBe(0);
    expect(bytes.length).toBe(data + 64);
    expect(bytes.readFloatLE(data + 20)).toBe(6);
    expect(bytes.readFloatLE(data + 32)).toBe(7);
    // name (8 + 1), dimensions, 3 and 2: the innermost first.
    const info = bytes.indexOf('a', 24 + 8 + 20 + 4 + 8 + 5, 'latin1') + 1;
    expect(bytes.readUInt32LE(info)).toBe(2);
    expect([bytes.readBigUInt64LE(info + 4), bytes.readBigUInt64LE(info + 12)]).toEqual([3n, 2n]);
  });

  test('data of another size than the shape says is refused', () => {
    const folder = mkdtempSync(join(tmpdir(), 'assay-test-'));
    const write = () => writeGguf(join(folder, 'x'), {}, [tensor('a', [4], new Uint8Array(12))]);
    expect(write).toThrow('a: 12 bytes, its shape says 16');
    rmSync(folder, { recursive: true });
  });

  test('pairs of a head that lie half a head apart come to lie side by side', () => {
    const rows = Float32Array.of(0, 1, 2, 3, 10, 11, 12, 13);
    const mixed = interleaveHeads(rows, { heads: 2, headDim: 4, cols: 1 });
    expect([...mixed]).toEqual([0, 2, 1, 3, 10, 12, 11, 13]);
  });
});
