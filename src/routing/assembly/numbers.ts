/** Numbers of JSON, from bytes: not negative, as short as writers make them. */

/** 10⁰ … 10²², exact as doubles. */
const POWERS = memory.data<f64>([
  1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17,
  1e18, 1e19, 1e20, 1e21, 1e22,
]);
const MOST_POWER: i32 = 22;
/** The same half twice: tools that read this as JavaScript know no literals of 64 bits. */
function twice(half: u32): u64 {
  return ((<u64>half) << 32) | <u64>half;
}

/** Times 10, and times 10⁸, with as many digits more, are still below 2⁶⁴. */
const MOST_BEFORE_ONE: u64 = <u64>1000000000 * 1000000000;
const MOST_BEFORE_EIGHT: u64 = 100000000000;
/** Integers of more digits are left to JSON.parse. */
const MOST_INTEGER_DIGITS: usize = 9;

/** The value of the number that was read last. */
export let value: f64 = 0;
export let integer: u32 = 0;

function digitAt(p: usize): u32 {
  return <u32>load<u8>(p) - 48;
}

/** Behind an integer, or 0: it is none, or another kind of number begins so. */
export function readInteger(at: usize): usize {
  let found: u32 = 0;
  let p = at;
  for (let digit = digitAt(p); digit < 10; digit = digitAt(p)) {
    found = found * 10 + digit;
    p++;
  }
  const digits = p - at;
  if (digits === 0 || digits > MOST_INTEGER_DIGITS) return 0;
  if (digits > 1 && load<u8>(at) === 48) return 0;
  integer = found;
  return p;
}

function areDigits(word: u64): bool {
  const high = word & twice(0xf0f0f0f0);
  const carried = ((word + twice(0x06060606)) & twice(0xf0f0f0f0)) >> 4;
  return (high | carried) === twice(0x33333333);
}

/** Eight digits, the first in the lowest byte (Lemire's arithmetic on bytes in a word). */
function eightDigits(word: u64): u64 {
  let v = word - twice(0x30303030);
  v = v * 10 + (v >> 8);
  const even = (v & twice(0x000000ff)) * (((<u64>0x000f4240) << 32) | 0x64);
  const odd = ((v >> 16) & twice(0x000000ff)) * (((<u64>0x00002710) << 32) | 1);
  return (even + odd) >> 32;
}

/**
 * Behind a number, or 0: it is left to JSON.parse. Up to 19 digits are exact; the double made
 * of them is rounded once, and once more by the power of ten.
 */
export function readNumber(at: usize): usize {
  let p = readInteger(at);
  if (p === 0) return 0;
  let mantissa: u64 = integer;
  let power: i32 = 0;
  if (load<u8>(p) === 46) {
    const first = ++p;
    let word = load<u64>(p);
    while (mantissa < MOST_BEFORE_EIGHT && areDigits(word)) {
      mantissa = mantissa * 100000000 + eightDigits(word);
      p += 8;
      word = load<u64>(p);
    }
    for (let digit = digitAt(p); digit < 10; digit = digitAt(p)) {
      if (mantissa >= MOST_BEFORE_ONE) return 0;
      mantissa = mantissa * 10 + digit;
      p++;
    }
    if (p === first) return 0;
    power = <i32>(first - p);
  }
  if ((load<u8>(p) | 0x20) === 101) {
    const sign = load<u8>(p + 1);
    const from = p + (sign === 43 || sign === 45 ? 2 : 1);
    let exponent: i32 = 0;
    for (p = from; digitAt(p) < 10; p++) exponent = exponent * 10 + <i32>digitAt(p);
    if (p === from || p - from > 3) return 0;
    power += sign === 45 ? -exponent : exponent;
  }
  if (power < -MOST_POWER || power > MOST_POWER) return 0;
  const whole = <f64>mantissa;
  value =
    power < 0
      ? whole / load<f64>(POWERS + ((<usize>-power) << 3))
      : whole * load<f64>(POWERS + ((<usize>power) << 3));
  return p;
}
