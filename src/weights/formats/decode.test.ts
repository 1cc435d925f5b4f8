/** Golden bytes of an independent implementation, for every layout. */
import { describe, expect, it } from 'vitest';
import { decodeF32 } from '../dtype.ts';
import { encodeF32 } from '../encode.ts';
import type { Dtype } from '../source.ts';
import { decodeRows } from './decode.ts';
import { decodeIntRows } from './decode-int.ts';
import type { Fp8Tensor, IntTensor, Part } from './stored-tensor.ts';

const files = new Map<string, Uint8Array>();
const readAt = ({ file, offset }: { file: string; offset: number }, length: number) =>
  files.get(file)!.slice(offset, offset + length);

function part(name: string, dtype: Dtype, shape: number[], data: Uint8Array): Part {
  files.set(name, data);
  return { name, dtype, shape, bytes: data.length, location: { file: name, offset: 0 } };
}
const hex = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'hex'));
const words = (...list: number[]) => new Uint8Array(Uint32Array.from(list).buffer);
const floats = (...list: number[]) => new Uint8Array(Float32Array.from(list).buffer);

function ints(of: Partial<IntTensor> & Pick<IntTensor, 'rows' | 'cols' | 'codes' | 'scales'>) {
  const tensor: IntTensor = {
    ...{ kind: 'int', name: 'x', shape: [of.rows, of.cols], bits: 4, group: of.cols },
    ...{ symmetric: true, packing: 'compressed', zeroPoints: null, groupIndex: null },
    ...{ zeroLessOne: false, extras: [], ...of },
  };
  return tensor;
}
const bf16 = (values: Float32Array) => Buffer.from(encodeF32(values, 'BF16')).toString('hex');
const all = (tensor: IntTensor) => decodeIntRows(tensor, { from: 0, to: tensor.rows }, readAt);

describe('golden bytes', () => {
  it('FP8: code · scale, rounded once', () => {
    const scales = part('s', 'F32', [1, 1], hex('f085493c'));
    const codes = part('c', 'F8_E4M3', [1, 11], hex('00010708383c557e80c3fe'));
    const tensor: Fp8Tensor = {
      ...{ kind: 'fp8', name: 'x', shape: [1, 11], matrices: 1, rows: 1, cols: 11 },
      ...{ block: { rows: 128, cols: 128 }, codes, scales, extras: [] },
    };
    expect(bf16(decodeRows(tensor, { from: 0, to: 1 }, readAt))).toBe(
      '0000ca3730394a394a3c973c243eb04000800bbdb0c0',
    );
  });

  it('compressed-tensors: INT8 in bytes', () => {
    const codes = part('c', 'I8', [1, 8], hex('7f814020f0020081'));
    const scales = part('s', 'F32', [1, 1], floats(0.0078431377));
    expect([
      ...all(ints({ rows: 1, cols: 8, bits: 8, packing: 'bytes', codes, scales })).codes,
    ]).toEqual([127, -127, 64, 32, -16, 2, 0, -127]);
  });

  it('compressed-tensors: INT4 packed along the inputs, zero points along the outputs', () => {
    const codes = part('c', 'I32', [1, 1], words(0xfb875310));
    const one = part('s', 'F32', [1, 1], floats(1));
    expect([...all(ints({ rows: 1, cols: 8, codes, scales: one })).codes]).toEqual([
      ...[-8, -7, -5, -3, -1, 0, 3, 7],
    ]);
    const rows = 8;
    const tensor = ints({
      ...{ rows, cols: 8, symmetric: false },
      codes: part('c8', 'I32', [rows, 1], words(...Array(rows).fill(0xfa986520))),
      scales: part('s8', 'F32', [rows, 1], floats(...Array(rows).fill(0.2))),
      zeroPoints: part('z', 'I32', [1, 1], words(0xd7a98f05)),
    });
    const decoded = all(tensor);
    expect([...decoded.zeroPoints!]).toEqual([-3, -8, 7, 0, 1, 2, -1, 5]);
    expect([...decoded.codes.subarray(0, 8)]).toEqual([-8, -6, -3, -2, 0, 1, 2, 7]);
    // x = −1, −.5, 0, .25, … with zero point −3.
    const values = decodeRows(tensor, { from: 0, to: 1 }, readAt);
    expect([...values].map((value) => Math.round(value * 5))).toEqual([-5, -3, 0, 1, 3, 4, 5, 10]);
  });

  it.each([
    ['v1', true, 0x44444444],
    ['v2', false, 0x55555555],
  ])('GPTQ %s', (_, zeroLessOne, zeros) => {
    const repeated = (word: number) => words(...Array(8).fill(word));
    const tensor = ints({
      ...{ rows: 8, cols: 8, packing: 'gptq', symmetric: false, zeroLessOne },
      codes: part('c', 'I32', [1, 8], repeated(0xfa976530)),
      scales: part('s', 'F16', [1, 8], hex('6632'.repeat(8))),
      zeroPoints: part('z', 'I32', [1, 1], words(zeros)),
    });
    const { codes, zeroPoints } = all(tensor);
    expect([...codes.subarray(8, 16)].map((code) => code + 8)).toEqual([0, 3, 5, 6, 7, 9, 10, 15]);
    expect([...zeroPoints!].map((zero) => zero + 8)).toEqual(Array(8).fill(5));
  });

  it('AWQ: columns interleaved', () => {
    const tensor = ints({
      ...{ rows: 8, cols: 2, packing: 'awq', symmetric: false },
      codes: part('c', 'I32', [2, 1], words(0x75316420, 0x87301c9f)),
      scales: part('s', 'F16', [1, 8], hex('662e'.repeat(8))),
      zeroPoints: part('z', 'I32', [1, 1], words(0x77777777)),
    });
    const codes = [...all(tensor).codes].map((code) => code + 8);
    expect(codes.filter((_, i) => i % 2 === 0)).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
    expect(codes.filter((_, i) => i % 2 === 1)).toEqual([15, 0, 9, 3, 12, 7, 1, 8]);
    const values = decodeRows(tensor, { from: 0, to: 8 }, readAt).filter((_, i) => i % 2 === 1);
    const wanted = decodeF32(hex('4d3f33bf4d3ecdbe003f00001abfcd3d'), 'BF16');
    expect(bf16(values)).toBe(bf16(wanted));
  });
});

describe('rows', () => {
  it('of a part of a matrix are those of the whole, in every packing', () => {
    const random = (n: number) =>
      words(...Array.from({ length: n }, (_, i) => Math.imul(i + 1, 0x9e3779b1) >>> 0));
    const scales = (shape: [number, number]) =>
      part('s', 'F32', shape, floats(...Array.from({ length: 32 }, (_, i) => i + 1)));
    const shared = { rows: 16, cols: 16, group: 8, symmetric: false };
    const tensors = [
      ints({
        ...{ ...shared, packing: 'compressed', scales: scales([16, 2]) },
        codes: part('c1', 'I32', [16, 2], random(32)),
        zeroPoints: part('z1', 'I32', [2, 2], random(4)),
      }),
      ints({
        ...{ ...shared, packing: 'gptq', zeroLessOne: true, scales: scales([2, 16]) },
        codes: part('c2', 'I32', [2, 16], random(32)),
        zeroPoints: part('z2', 'I32', [2, 2], random(4)),
        groupIndex: part('g', 'I32', [16], words(...Array.from({ length: 16 }, (_, i) => i & 1))),
      }),
      ints({
        ...{ ...shared, packing: 'awq', scales: scales([2, 16]) },
        codes: part('c3', 'I32', [16, 2], random(32)),
        zeroPoints: part('z3', 'I32', [2, 2], random(4)),
      }),
    ];
    for (const tensor of tensors) {
      const whole = decodeRows(tensor, { from: 0, to: 16 }, readAt);
      for (let from = 0; from < 16; from++) {
        for (let to = from + 1; to <= 16; to++) {
          const some = decodeRows(tensor, { from, to }, readAt);
          expect(some).toEqual(whole.slice(from * 16, to * 16));
        }
      }
    }
  });

  it('with a scale or a group that cannot be are refused, with their place', () => {
    const codes = part('c', 'I32', [1, 1], words(0));
    const bad = ints({ rows: 1, cols: 8, codes, scales: part('s', 'F32', [1, 1], floats(-1)) });
    expect(() => all(bad)).toThrow(/"s" holds -1 for row 0, group 0/);
    const scales = part('s', 'F32', [1, 1], floats(1));
    const groupIndex = part('g', 'I32', [8], words(0, 0, 1, 0, 0, 0, 0, 0));
    expect(() => all(ints({ rows: 1, cols: 8, codes, scales, groupIndex }))).toThrow(
      /input 2 is of group 1/,
    );
  });
});
