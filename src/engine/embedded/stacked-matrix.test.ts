import { expect, test } from 'vitest';
import { dequantizeMatrix, type QuantizedMatrix, quantizeMatrix } from '../../weights/quantizer.ts';
import { parseScheme } from '../../weights/scheme.ts';
import { packMatrix } from './nbits.ts';
import { stack } from './stacked-matrix.ts';

function matrix(rows: number, scheme: string, cols = 128): QuantizedMatrix {
  const values = Float32Array.from({ length: rows * cols }, (_, i) => Math.sin(rows + i * 1.7));
  const parsed = parseScheme(scheme);
  return quantizeMatrix(values, { rows, cols, scheme: parsed, scaleDtype: 'F32', name: 'test' });
}

test.each(['int4-g32', 'int4-asym-g32', 'int8-g128', 'int8-channel'])('%s', (scheme) => {
  const parts = [matrix(3, scheme), matrix(1, scheme), matrix(5, scheme)];
  const all = stack(parts)!;
  expect(all.rows).toBe(9);
  const values = parts.flatMap((part) => [...dequantizeMatrix(part)]);
  expect([...dequantizeMatrix(all)]).toEqual(values);
  // What the runtime gets is what it got before, row after row.
  const packed = parts.map(packMatrix);
  const together = packMatrix(all);
  expect([...together.codes]).toEqual(packed.flatMap(({ codes }) => [...codes]));
  expect([...together.scales]).toEqual(packed.flatMap(({ scales }) => [...scales]));
  const zeros = packed.flatMap(({ zeroPoints }) => [...(zeroPoints ?? [])]);
  expect([...(together.zeroPoints ?? [])]).toEqual(zeros);
});

test('matrices that are stored in different ways stay apart', () => {
  expect(stack([])).toBeNull();
  expect(stack([matrix(2, 'int4-g32'), matrix(2, 'int8-g128')])).toBeNull();
  expect(stack([matrix(2, 'int4-g32'), matrix(2, 'int4-asym-g32')])).toBeNull();
  expect(stack([matrix(2, 'int4-g32'), matrix(2, 'int4-g32', 96)])).toBeNull();
});
