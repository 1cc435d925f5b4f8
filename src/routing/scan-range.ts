/** Lines of a part of a file: those that begin in it. */
import { readSync } from 'node:fs';
import { LimitError } from '../record/errors.ts';
import { type BlockScanner, SLACK_BYTES } from './block-scanner.ts';

export const RANGE_BYTES = 1 << 22;
/** Read beyond the end of a part, for its last line. */
const TAIL_BYTES = 1 << 16;
export const MAX_LINE_BYTES = 1 << 26;
const NEWLINE = 10;

export interface ScannedFile {
  readonly descriptor: number;
  readonly path: string;
  readonly bytes: number;
}

/** Reused from part to part; grows with the longest line. */
export class RangeBuffer {
  bytes = Buffer.alloc(RANGE_BYTES + TAIL_BYTES + SLACK_BYTES);

  /** Room for so many bytes, and for what the scanner needs behind them. */
  reach(length: number): void {
    if (length + SLACK_BYTES <= this.bytes.length) return;
    const larger = Buffer.alloc(Math.max(length + SLACK_BYTES, 2 * this.bytes.length));
    this.bytes.copy(larger);
    this.bytes = larger;
  }
}

/** Yields whenever a block is full (false), and at the end (true): the caller takes it. */
export function* scanRange(
  file: ScannedFile,
  range: { start: number; end: number },
  of: { scanner: BlockScanner; buffer: RangeBuffer },
): Generator<boolean, void, void> {
  const { scanner, buffer } = of;
  scanner.restart();
  // The byte before tells whether a line begins at the very start.
  const base = Math.max(0, range.start - 1);
  const limit = range.end - base;
  let to = fill(file, base, { buffer, from: 0, to: limit + TAIL_BYTES });
  let at = 0;
  if (range.start > 0) {
    const feed = buffer.bytes.indexOf(NEWLINE);
    at = feed < 0 || feed >= limit ? limit : feed + 1;
  }
  while (at < limit && at < to) {
    const stopped = scanner.scan(buffer.bytes, { from: at, to, limit });
    at = stopped;
    if (scanner.isFull) {
      yield false;
      continue;
    }
    if (at >= limit) break;
    // A line that goes on behind what was read, or the last of the file.
    if (base + to >= file.bytes) {
      scanner.finish(buffer.bytes.toString('latin1', at, to));
      break;
    }
    if (to - at > MAX_LINE_BYTES) {
      throw new LimitError(`${file.path}: a line is longer than ${MAX_LINE_BYTES} bytes`, {
        hint: 'routes stand one on a line: is this a trace at all?',
      });
    }
    to = fill(file, base, { buffer, from: to, to: 2 * to });
  }
  yield true;
}

/** Reads file bytes base + [from, to) to the same place of the buffer; how far it came. */
function fill(
  file: ScannedFile,
  base: number,
  { buffer, from, to }: { buffer: RangeBuffer; from: number; to: number },
): number {
  const end = Math.min(to, file.bytes - base);
  buffer.reach(end);
  let at = from;
  while (at < end) {
    const read = readSync(file.descriptor, buffer.bytes, at, end - at, base + at);
    // It was made shorter meanwhile.
    if (read === 0) break;
    at += read;
  }
  return at;
}
