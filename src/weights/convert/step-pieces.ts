/** One tensor of a plan, band by band, as bytes and places. */
import { encodeF32 } from '../encode.ts';
import { decodeRows, type RowSpan } from '../formats/decode.ts';
import type { ReadAt } from '../formats/stored-tensor.ts';
import { quantizeMatrix } from '../quantizer.ts';
import type { ConversionStep } from './conversion-plan.ts';
import { quantizing } from './output-format.ts';
import { type Piece, packBand } from './pack.ts';
import { repackable } from './repack.ts';

/** Bytes that are copied at once. */
const COPY_BYTES = 2 ** 22;
/** Values that are converted at once: 4 MiB of f32. */
const BAND_VALUES = 2 ** 20;
/** A band ends with a whole FP8 block, and with whole words of codes packed along the outputs. */
const BAND_ROWS = 128;

/** @throws FormatError for weights that are NaN or infinite, and for scales that cannot be */
export function* piecesOf(step: ConversionStep, readAt: ReadAt): Generator<readonly Piece[]> {
  if (step.action.kind === 'copy') {
    const { name, bytes, location } = step.tensor.codes;
    for (let offset = 0; offset < bytes; offset += COPY_BYTES) {
      const place = { file: location.file, offset: location.offset + offset };
      const length = Math.min(COPY_BYTES, bytes - offset);
      yield [{ tensor: name, offset, bytes: readAt(place, length) }];
    }
    return;
  }
  const absmax = absmaxOf(step, readAt);
  for (const span of bandsOf(step)) yield bandPieces(step, { span, absmax }, readAt);
}

/** Of a tensor that gets one scale: its largest magnitude, read before the first band. Else 0. */
export function absmaxOf(step: ConversionStep, readAt: ReadAt): number {
  const { action, tensor } = step;
  if (action.kind !== 'quantize' || action.packed.scheme.layout !== 'tensor') return 0;
  let absmax = 0;
  for (const span of bandsOf(step)) {
    for (const value of decodeRows(tensor, span, readAt)) {
      const size = Math.abs(value);
      // NaN and infinity are found, and named, when the band is quantized.
      if (size > absmax && size < Infinity) absmax = size;
    }
  }
  return absmax;
}

/** Bands of rows, experts counted through. */
export function bandsOf({ tensor }: ConversionStep): RowSpan[] {
  const cols = tensor.shape.at(-1) ?? 1;
  const rows = tensor.shape.slice(0, -1).reduce((product, size) => product * size, 1);
  const step = Math.max(1, Math.floor(BAND_VALUES / cols / BAND_ROWS)) * BAND_ROWS;
  const bands: RowSpan[] = [];
  for (let from = 0; from < rows; from += step) {
    bands.push({ from, to: Math.min(from + step, rows) });
  }
  return bands;
}

function bandPieces(
  step: ConversionStep,
  { span, absmax }: { readonly span: RowSpan; readonly absmax: number },
  readAt: ReadAt,
): readonly Piece[] {
  const { tensor, action } = step;
  if (action.kind === 'repack' && tensor.kind === 'int') {
    const matrix = repackable(tensor, { span, packed: action.packed }, readAt);
    return packBand(action.packed, { matrix, from: span.from });
  }
  const values = decodeRows(tensor, span, readAt);
  if (action.kind === 'dequantize') {
    const bytes = encodeF32(values, action.to);
    const width = action.to === 'F32' ? 4 : 2;
    const offset = span.from * tensor.shape.at(-1)! * width;
    return [{ tensor: tensor.name, offset, bytes }];
  }
  if (action.kind !== 'quantize') throw new TypeError(`${tensor.name} is not converted`);
  const rows = span.to - span.from;
  const name = span.from === 0 ? tensor.name : `${tensor.name}, rows from ${span.from}`;
  const matrix = quantizeMatrix(values, { ...quantizing(action.packed), rows, name, absmax });
  return packBand(action.packed, { matrix, from: span.from });
}
