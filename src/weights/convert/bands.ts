/**
 * How a tensor is cut: a band is one job of a worker, a strip is what is in memory as values. Both
 * are rows with experts counted through, or bytes of a tensor that is copied.
 */
import { matrixShape, type RowSpan } from '../formats/decode.ts';
import { FP8_BLOCK } from '../scheme.ts';
import type { ConversionStep } from './conversion-plan.ts';

/** Bytes that are copied at once. */
const COPY_BYTES = 2 ** 22;
/** Values that are converted at once: 2 MiB of BF16. */
const STRIP_VALUES = 2 ** 20;
/**
 * Packed codes that are held at once where a format lies transposed: its lines are then read and
 * written in long pieces, or in one.
 */
const TILE_BYTES = 2 ** 23;
/** Rows whose codes or zero points share a word. */
const WORD_ROWS = 8;

/** Spans of at most `step`, the last of them ragged. */
function cut({ from, to }: RowSpan, step: number): RowSpan[] {
  const spans: RowSpan[] = [];
  for (let at = from; at < to; at += step) spans.push({ from: at, to: Math.min(at + step, to) });
  return spans;
}

/** As many whole units of rows as hold `most` values, one at least. */
const rowsWithin = (most: number, { cols, unit }: { cols: number; unit: number }): number =>
  Math.max(1, Math.floor(most / cols / unit)) * unit;

/** Rows that one scale or one word needs together. */
function unitOf({ action }: ConversionStep): number {
  const block = action.kind === 'quantize' && action.packed.scheme.layout === 'block';
  return block ? FP8_BLOCK : WORD_ROWS;
}

/** Bits of a code where input or output holds them transposed, else null. */
function transposedBits({ action, tensor }: ConversionStep): number | null {
  if (tensor.kind === 'int' && (tensor.packing === 'gptq' || tensor.packing === 'awq')) {
    return tensor.bits;
  }
  if (action.kind !== 'quantize' && action.kind !== 'repack') return null;
  const { format, scheme } = action.packed;
  return format === 'gptq' || format === 'awq' ? scheme.bits : null;
}

export function bandsOf(step: ConversionStep): RowSpan[] {
  if (step.action.kind === 'copy') return cut({ from: 0, to: step.tensor.codes.bytes }, COPY_BYTES);
  const { rows, cols } = matrixShape(step.tensor);
  const bits = transposedBits(step);
  const values = bits === null ? STRIP_VALUES : (8 * TILE_BYTES) / bits;
  return cut({ from: 0, to: rows }, rowsWithin(values, { cols, unit: unitOf(step) }));
}

/** The strips of a band; `most` is the rows of the largest. */
export function stripsOf(
  step: ConversionStep,
  band: RowSpan,
): { readonly strips: readonly RowSpan[]; readonly most: number } {
  const { cols } = matrixShape(step.tensor);
  const rows = rowsWithin(STRIP_VALUES, { cols, unit: unitOf(step) });
  return { strips: cut(band, rows), most: Math.min(rows, band.to - band.from) };
}
