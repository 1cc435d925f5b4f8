/**
 * Exhaustive: all 256 codes and all 65,536 BF16 values under scales of every size, against rounding
 * by search among all values of the format, and against what PyTorch gave (torch-fp8.json).
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { decodeF32 } from '../../src/weights/dtype.ts';
import { encodeF32 } from '../../src/weights/encode.ts';
import { decodeRows } from '../../src/weights/formats/decode.ts';
import type { Fp8Tensor, Part } from '../../src/weights/formats/stored-tensor.ts';
import { quantizeFp8Rows } from '../../src/weights/fp8-kernel.ts';
import type { Dtype } from '../../src/weights/source.ts';

interface Case {
  readonly scale: string;
  readonly decoded: string;
  readonly encoded: string;
}
const { cases, torch } = JSON.parse(
  readFileSync(join(import.meta.dirname, 'torch-fp8.json'), 'utf8'),
) as { torch: string; cases: Case[] };
console.log(`E4M3FN against PyTorch ${torch}: ${cases.length} scales`);

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

/** From the definitions: sign, exponent, mantissa; magnitudes by code. */
const E4M3 = Array.from({ length: 127 }, (_, code) => {
  const [exponent, mantissa] = [code >> 3, code & 7];
  return exponent === 0 ? mantissa * 2 ** -9 : (1 + mantissa / 8) * 2 ** (exponent - 7);
});
/** The last one is where infinity begins: 2^128. */
const BF16 = Array.from({ length: 0x7f81 }, (_, code) => {
  const [exponent, mantissa] = [code >> 7, code & 127];
  return exponent === 0 ? mantissa * 2 ** -133 : (1 + mantissa / 128) * 2 ** (exponent - 127);
});

/** The code whose value is nearest, ties to the even one; middles are exact in f64. */
function nearest(size: number, values: readonly number[]): number {
  let [low, high] = [0, values.length - 1];
  while (low < high) {
    const code = (low + high) >> 1;
    const middle = (values[code]! + values[code + 1]!) / 2;
    if (size < middle || (size === middle && code % 2 === 0)) high = code;
    else low = code + 1;
  }
  return low;
}

const isNegative = (value: number): boolean => value < 0 || Object.is(value, -0);

function e4m3(value: number): number {
  if (Number.isNaN(value)) return 0x7f;
  return (isNegative(value) ? 0x80 : 0) | nearest(Math.abs(value), E4M3);
}

function bf16(value: number): number {
  if (Number.isNaN(value)) return 0x7fc0;
  return (isNegative(value) ? 0x8000 : 0) | nearest(Math.abs(value), BF16);
}

const CODES = Uint8Array.from({ length: 256 }, (_, code) => code);
const INPUT_CODES = Uint16Array.from({ length: 65536 }, (_, code) => code);
const INPUTS = decodeF32(new Uint8Array(INPUT_CODES.buffer), 'BF16');
const FINITE = INPUTS.filter((value) => value - value === 0);

const scaleOf = ({ scale }: Case): number =>
  new Float32Array(Uint32Array.of(Number.parseInt(scale, 16)).buffer)[0]!;

/** As a checkpoint holds it: one row of all codes with one scale. */
function decodedByUs(scale: number): Float32Array {
  const files = { codes: CODES, scales: new Uint8Array(Float32Array.of(scale).buffer) };
  const part = (name: keyof typeof files, dtype: Dtype, shape: number[]): Part => ({
    ...{ name, dtype, shape, bytes: files[name].length, location: { file: name, offset: 0 } },
  });
  const tensor: Fp8Tensor = {
    ...{ kind: 'fp8', name: 'x', shape: [1, 256], matrices: 1, rows: 1, cols: 256, extras: [] },
    block: { rows: 1, cols: 256 },
    codes: part('codes', 'F8_E4M3', [1, 256]),
    scales: part('scales', 'F32', [1, 1]),
  };
  const readAt = ({ file, offset }: { file: string; offset: number }, length: number) =>
    files[file as keyof typeof files].slice(offset, offset + length);
  return decodeRows(tensor, { from: 0, to: 1 }, readAt);
}

describe.each(cases)('scale 0x$scale', (expected) => {
  const scale = scaleOf(expected);

  it('decodes every code to BF16', () => {
    const bytes = encodeF32(decodedByUs(scale), 'BF16');
    const searched = Uint16Array.from(CODES, (code) => {
      const size = E4M3[code & 127] ?? Number.NaN;
      return bf16(Math.fround((code > 127 ? -size : size) * scale));
    });
    expect(Buffer.compare(bytes, new Uint8Array(searched.buffer))).toBe(0);
    expect(sha256(bytes)).toBe(expected.decoded);
  });

  it('encodes every BF16 value', () => {
    const searched = Uint8Array.from(INPUTS, (value) => e4m3(Math.fround(value / scale)));
    expect(sha256(searched)).toBe(expected.encoded);
    const codes = new Uint8Array(FINITE.length);
    const scales = new Float32Array(1);
    const target = { scales, cols: FINITE.length, store: () => scale, absmax: 0 };
    expect(quantizeFp8Rows(FINITE, codes, target)).toBe(-1);
    const ofFinite = searched.filter((_, i) => INPUTS[i]! - INPUTS[i]! === 0);
    expect(Buffer.compare(codes, ofFinite)).toBe(0);
  });
});
