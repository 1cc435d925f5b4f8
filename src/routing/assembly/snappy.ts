/** Snappy's format, from its description (google/snappy, format_description.txt). */

const MAX_TAG_BYTES: u32 = 60;

/** Eight bytes at a time: up to seven behind the end are overwritten. */
function copyWords(from: usize, to: usize, length: usize): void {
  for (let i: usize = 0; i < length; i += 8) store<u64>(to + i, load<u64>(from + i));
}

/** Repeats what lies `offset` bytes before `to`, which may overlap itself. */
function repeat(to: usize, offset: usize, length: usize): void {
  const from = to - offset;
  const end = to + length;
  let p = to;
  // Each step doubles the bytes that are there before the next one.
  while (p - from < 8 && p < end) {
    const distance = p - from;
    store<u64>(p, load<u64>(from));
    p += distance;
  }
  if (p < end) copyWords(from, p, end - p);
}

/**
 * Unpacks [at, end) to exactly [to, toEnd); false: it is damaged. Eight bytes behind either end
 * may be read, and behind `toEnd` overwritten.
 */
export function unsnap(at: usize, end: usize, to: usize, toEnd: usize): bool {
  let p = at;
  let out = to;
  // The length, which the header of the page has too.
  while (p < end && load<u8>(p) > 127) p++;
  p++;
  while (p < end) {
    const tag = <u32>load<u8>(p++);
    const kind = tag & 3;
    let length = <usize>(tag >> 2) + 1;
    if (kind === 0) {
      if (length > <usize>MAX_TAG_BYTES) {
        const bytes = length - MAX_TAG_BYTES;
        if (p + bytes > end) return false;
        const all = load<u32>(p);
        length = <usize>(bytes === 4 ? all : all & ((1 << ((<u32>bytes) << 3)) - 1)) + 1;
        p += bytes;
        // 2³² wraps to nothing.
        if (length === 0) return false;
      }
      if (length > end - p || length > toEnd - out) return false;
      if (length > 64) memory.copy(out, p, length);
      else copyWords(p, out, length);
      p += length;
    } else {
      let offset: usize;
      if (kind === 1) {
        length = <usize>((tag >> 2) & 7) + 4;
        if (p >= end) return false;
        offset = ((<usize>(tag >> 5)) << 8) | <usize>load<u8>(p++);
      } else {
        const bytes: usize = kind === 2 ? 2 : 4;
        if (p + bytes > end) return false;
        offset = kind === 2 ? <usize>load<u16>(p) : <usize>load<u32>(p);
        p += bytes;
      }
      if (offset === 0 || offset > out - to || length > toEnd - out) return false;
      repeat(out, offset, length);
    }
    out += length;
  }
  return p === end && out === toEnd;
}
