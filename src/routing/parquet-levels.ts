/** Parquet's hybrid of runs and bit-packed numbers, into typed arrays; and levels by it. */

/** Bounds of an encoded part of a page. */
export interface EncodedSpan {
  readonly bytes: Uint8Array;
  readonly at: number;
  readonly end: number;
}

type Codes = Uint8Array | Uint32Array;

/** Fills `into`; false: the bytes end early. `width`: bits a number, at most 24. */
export function readHybrid({ bytes, at, end }: EncodedSpan, width: number, into: Codes): boolean {
  const wide = (width + 7) >> 3;
  let p = at;
  let filled = 0;
  while (filled < into.length) {
    let header = 0;
    for (let shift = 0; ; shift += 7) {
      if (p >= end || shift > 28) return false;
      const byte = bytes[p++] as number;
      header |= (byte & 0x7f) << shift;
      if (byte < 0x80) break;
    }
    if ((header & 1) === 0) {
      let value = 0;
      for (let i = 0; i < wide; i++) value |= (bytes[p++] as number) << (8 * i);
      const to = Math.min(into.length, filled + (header >>> 1));
      if (p > end || to === filled) return false;
      into.fill(value, filled, to);
      filled = to;
    } else {
      const values = (header >>> 1) * 8;
      const packed = (values * width) >> 3;
      const count = Math.min(values, into.length - filled);
      // The last group may be cut off behind its last number.
      if (p + ((count * width + 7) >> 3) > end) return false;
      unpack({ bytes, at: p, end }, width, into.subarray(filled, filled + count));
      filled += count;
      p += packed;
    }
  }
  return true;
}

/** Bits that are held come in bytes, so that 24 and a byte more fit into 32. */
function unpack({ bytes, at, end }: EncodedSpan, width: number, into: Codes): void {
  const mask = (1 << width) - 1;
  const count = into.length;
  let p = at;
  let i = 0;
  if (width <= 8) {
    // Eight numbers are `width` bytes: two words, of which each is cut by shifts.
    for (; i + 8 <= count && p + 8 <= end; i += 8, p += width) {
      const low = wordAt(bytes, p);
      const high = wordAt(bytes, p + 4);
      for (let j = 0, off = 0; j < 8; j++, off += width) {
        if (off + width <= 32) into[i + j] = (low >>> off) & mask;
        else if (off >= 32) into[i + j] = (high >>> (off - 32)) & mask;
        else into[i + j] = ((low >>> off) | (high << (32 - off))) & mask;
      }
    }
  }
  let held = 0;
  let bits = 0;
  for (; i < count; i++) {
    while (bits < width) {
      held |= (p < end ? (bytes[p] as number) : 0) << bits;
      p++;
      bits += 8;
    }
    into[i] = held & mask;
    held >>>= width;
    bits -= width;
  }
}

function wordAt(bytes: Uint8Array, p: number): number {
  return (
    (bytes[p] as number) |
    ((bytes[p + 1] as number) << 8) |
    ((bytes[p + 2] as number) << 16) |
    ((bytes[p + 3] as number) << 24)
  );
}

/** Are all levels the highest, so that there is no null and no empty list? */
export function allAre(level: number, span: EncodedSpan, count: number): boolean {
  const levels = new Uint8Array(count);
  if (!readHybrid(span, bitsOf(level), levels)) return false;
  for (let i = 0; i < count; i++) if (levels[i] !== level) return false;
  return true;
}

/** Are the lists of `size` elements each? `from`: elements of the chunk before the page. */
export function listsOf(
  size: number,
  span: EncodedSpan,
  of: { from: number; count: number },
): boolean {
  const levels = new Uint8Array(of.count);
  if (!readHybrid(span, 1, levels)) return false;
  let place = of.from % size;
  for (let i = 0; i < of.count; i++) {
    if (levels[i] !== (place === 0 ? 0 : 1)) return false;
    place = place + 1 === size ? 0 : place + 1;
  }
  return true;
}

function bitsOf(most: number): number {
  return 32 - Math.clz32(most);
}
