/** One table of counts, u32 [65,536]. */

/** Where it lies: an address that is known here costs nothing to add. */
const COUNTS: usize = 1024;
/** Four times a code of 16 bits. */
const CODE: u32 = 0x3fffc;

/** `place`: four times what is counted. */
export function increment(place: u32): void {
  store<u32>(place, load<u32>(place, COUNTS) + 1, COUNTS);
}

/** Of two codes, each at the bits of CODE: small enough to be inlined, which four are not. */
export function incrementTwo(a: u32, b: u32): void {
  increment(a & CODE);
  increment(b & CODE);
}
