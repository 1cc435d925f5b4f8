/** Integer codes of one format → another: the same lines, packed in another order. */
import type { RowSpan } from '../formats/decode.ts';
import { stripsOf } from './bands.ts';
import type { Band, BandContext } from './convert-band.ts';
import { openLines } from './int-lines.ts';
import type { PackedMatrix } from './output-format.ts';
import { gridPieces, openPacker, type Piece } from './pack.ts';
import { repackableGrid } from './repack.ts';

/** @throws FormatError for what the other format has no place for */
export function* repackBand(
  { step, span }: Band,
  packed: PackedMatrix,
  context: BandContext,
): Generator<readonly Piece[]> {
  const { tensor } = step;
  if (tensor.kind !== 'int') throw new TypeError(`${tensor.name} holds no integers`);
  const grid = repackableGrid(tensor, { span, packed }, context.reader.readAt);
  const { strips, most } = stripsOf(step, span);
  const source = openLines(tensor, { band: span, most }, context);
  const packer = openPacker(packed, { span, most }, context);
  if (source.stride !== packer.stride) throw new TypeError(`${tensor.name}: lines do not fit`);
  const { memory } = context.kernels;
  for (const strip of strips) {
    const lines = source.lines(strip);
    if (source.flip !== packer.flip) {
      turn(memory.bytes(lines, source.stride * rowsOf(strip)));
    }
    yield packer.accept(strip, lines);
  }
  yield [...packer.finish(), ...gridPieces(packed, grid)];
}

const rowsOf = ({ from, to }: RowSpan): number => to - from;

/** Signed bytes ↔ bytes plus 128. */
function turn(bytes: Uint8Array): void {
  for (let i = 0; i < bytes.length; i++) bytes[i]! ^= 0x80;
}
