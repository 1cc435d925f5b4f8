import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { dequantizeMatrix, quantizeMatrix } from '../../weights/quantizer.ts';
import { parseScheme } from '../../weights/scheme.ts';
import { packedBytes, packMatrix } from './nbits.ts';

/** What MatMulNBits makes of the packed bytes, written from its documentation. */
function unpack(packed: ReturnType<typeof packMatrix>, rows: number, cols: number): Float32Array {
  const { bits, block, blocks, codes, scales, zeroPoints } = packed;
  const at = (bytes: Uint8Array, start: number, index: number): number => {
    if (bits === 8) return bytes[start + index]!;
    return (bytes[start + (index >> 1)]! >> (index & 1 ? 4 : 0)) & 15;
  };
  const zeroStride = Math.ceil((blocks * bits) / 8);
  return Float32Array.from({ length: rows * cols }, (_, i) => {
    const [row, col] = [Math.floor(i / cols), i % cols];
    const b = Math.floor(col / block);
    const zero = zeroPoints ? at(zeroPoints, row * zeroStride, b) : 2 ** (bits - 1);
    const code = at(codes, (row * blocks * block * bits) / 8, col);
    return (code - zero) * scales[row * blocks + b]!;
  });
}

const CASES: [string, number][] = [
  ['int4-g32', 96],
  ['int4-asym-g32', 96],
  ['int4-g128', 256],
  ['int4-asym-g128', 384],
  ['int8-g128', 128],
  ['int8-channel', 172],
  ['int8-channel', 7],
  ['int8-channel', 300],
];

describe('MatMulNBits layout', () => {
  test.each(CASES)('%s over %i columns stands for the same values', (text, cols) => {
    const scheme = parseScheme(text);
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 4 }),
        fc.infiniteStream(fc.double({ min: -4, max: 4, noNaN: true })),
        (rows, stream) => {
          const values = Float32Array.from({ length: rows * cols }, () => stream.next().value);
          const options = { rows, cols, scheme, scaleDtype: 'BF16', name: 't' } as const;
          const matrix = quantizeMatrix(values, options);
          const packed = packMatrix(matrix);
          expect(unpack(packed, rows, cols)).toEqual(dequantizeMatrix(matrix));
          const bytes =
            packed.codes.length + packed.scales.byteLength + (packed.zeroPoints?.length ?? 0);
          const { bits, symmetric, group } = scheme;
          expect(packedBytes({ rows, cols, bits, symmetric, group: group ?? cols })).toBe(bytes);
        },
      ),
      { numRuns: 30 },
    );
  });
});
