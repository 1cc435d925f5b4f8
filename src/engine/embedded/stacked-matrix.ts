/** Quantized matrices of one input as one matrix. */
import type { QuantizedMatrix } from '../../weights/quantizer.ts';

/**
 * The rows of all matrices, one below the other; null for none, or where they are stored in
 * different ways (an odd one can have been kept at another group).
 */
export function stack(matrices: readonly QuantizedMatrix[]): QuantizedMatrix | null {
  const [first] = matrices;
  if (first === undefined) return null;
  const { cols, group, scheme } = first;
  const alike = matrices.every(
    (each) => each.cols === cols && each.group === group && each.scheme.text === scheme.text,
  );
  // FP8 blocks reach over rows; integer groups lie in one row each.
  if (!alike || scheme.family !== 'int') return null;
  return {
    ...first,
    rows: matrices.reduce((sum, { rows }) => sum + rows, 0),
    codes: joined(
      matrices.map(({ codes }) => codes),
      Int8Array,
    ),
    scales: joined(
      matrices.map(({ scales }) => scales),
      Float32Array,
    ),
    zeroPoints:
      first.zeroPoints === null
        ? null
        : joined(
            matrices.map(({ zeroPoints }) => zeroPoints!),
            Int8Array,
          ),
  };
}

type Values = Float32Array | Int8Array | Uint8Array;

function joined<T extends Values>(parts: readonly Values[], type: new (length: number) => T): T {
  const out = new type(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}
