/**
 * Parquet's hybrid of runs and bit-packed numbers: levels compared with what they must be, and
 * places in a dictionary replaced by what stands there. Eight bytes behind the end may be read.
 */

/** The run that begins at `p`, after `readRun`: a value that is repeated, or packed numbers. */
let p: usize = 0;
let isPacked: bool = false;
let runLength: u32 = 0;
let runValue: u32 = 0;

/** Of `left` numbers at the most; false: damaged. `width`: bits a number, 1 to 24. */
function readRun(end: usize, width: u32, left: u32): bool {
  let header: u32 = 0;
  for (let shift: u32 = 0; ; shift += 7) {
    if (p >= end || shift > 28) return false;
    const byte = <u32>load<u8>(p++);
    header |= (byte & 127) << shift;
    if (byte < 128) break;
  }
  isPacked = (header & 1) !== 0;
  const count = header >>> 1;
  if (isPacked) {
    // The last group may be cut off behind its last number.
    runLength = count >= (left + 7) >> 3 ? left : count << 3;
    if (<u64>p + ((<u64>runLength * width + 7) >> 3) > <u64>end) return false;
  } else {
    runLength = min(count, left);
    const bytes = (width + 7) >> 3;
    if (p + <usize>bytes > end) return false;
    runValue = load<u32>(p) & ((1 << (bytes << 3)) - 1);
    p += <usize>bytes;
  }
  return runLength > 0;
}

/** Behind packed numbers. The last run may say more of them than there are. */
function skipPacked(width: u32): void {
  p += <usize>((runLength * width + 7) >> 3);
}

/** Are `count` levels all this one? */
export function allAre(at: usize, end: usize, width: u32, level: u32, count: u32): bool {
  const mask: u32 = (1 << width) - 1;
  p = at;
  for (let left = count; left > 0; left -= runLength) {
    if (!readRun(end, width, left)) return false;
    if (!isPacked) {
      if (runValue !== level) return false;
      continue;
    }
    for (let i: u32 = 0, bit: u32 = 0; i < runLength; i++, bit += width) {
      const value = (load<u32>(p + <usize>(bit >> 3)) >> (bit & 7)) & mask;
      if (value !== level) return false;
    }
    skipPacked(width);
  }
  return true;
}

/** Bits that say which of eight elements begin no list, the first being at `place` of its own. */
function expected(place: u32, size: u32): u32 {
  let bits: u32 = 0;
  let at = place;
  for (let i: u32 = 0; i < 8; i++) {
    if (at !== 0) bits |= 1 << i;
    at = at + 1 === size ? 0 : at + 1;
  }
  return bits;
}

/** Are all lists of `size` elements? `from`: elements before; `table`: room for `size` bytes. */
export function listsAre(
  at: usize,
  end: usize,
  size: u32,
  from: u32,
  count: u32,
  table: usize,
): bool {
  for (let i: u32 = 0; i < size; i++) store<u8>(table + <usize>i, <u8>expected(i, size));
  const step: u32 = 8 % size;
  let place = from % size;
  p = at;
  for (let left = count; left > 0; left -= runLength) {
    if (!readRun(end, 1, left)) return false;
    if (!isPacked) {
      for (let i: u32 = 0; i < runLength; i++) {
        if (runValue !== u32(place !== 0)) return false;
        place = place + 1 === size ? 0 : place + 1;
      }
      continue;
    }
    const whole = runLength >> 3;
    for (let i: u32 = 0; i < whole; i++) {
      if (load<u8>(p + <usize>i) !== load<u8>(table + <usize>place)) return false;
      place += step;
      if (place >= size) place -= size;
    }
    const rest = runLength & 7;
    const mask: u32 = (1 << rest) - 1;
    const bits = <u32>load<u8>(p + <usize>whole) ^ <u32>load<u8>(table + <usize>place);
    if ((bits & mask) !== 0) return false;
    place = (place + rest) % size;
    skipPacked(1);
  }
  return true;
}

/** Values of a dictionary for `count` places in it; false: damaged, or no such place. */
function places<T>(
  at: usize,
  end: usize,
  width: u32,
  count: u32,
  dictionary: usize,
  size: u32,
  to: usize,
): bool {
  const mask: u32 = (1 << width) - 1;
  let out = to;
  p = at;
  for (let left = count; left > 0; left -= runLength) {
    if (!readRun(end, width, left)) return false;
    if (isPacked) {
      for (let i: u32 = 0, bit: u32 = 0; i < runLength; i++, bit += width) {
        const place = (load<u32>(p + <usize>(bit >> 3)) >> (bit & 7)) & mask;
        if (place >= size) return false;
        store<T>(out, load<T>(dictionary + <usize>place * sizeof<T>()));
        out += sizeof<T>();
      }
      skipPacked(width);
    } else {
      if (runValue >= size) return false;
      const value = load<T>(dictionary + <usize>runValue * sizeof<T>());
      for (let i: u32 = 0; i < runLength; i++, out += sizeof<T>()) store<T>(out, value);
    }
  }
  return true;
}

/** `places` of values of 16 bits. */
export function places16(
  at: usize,
  end: usize,
  width: u32,
  count: u32,
  dictionary: usize,
  size: u32,
  to: usize,
): bool {
  return places<u16>(at, end, width, count, dictionary, size, to);
}

/** `places` of values of 32 bits. */
export function places32(
  at: usize,
  end: usize,
  width: u32,
  count: u32,
  dictionary: usize,
  size: u32,
  to: usize,
): bool {
  return places<u32>(at, end, width, count, dictionary, size, to);
}
