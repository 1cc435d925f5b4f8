/**
 * What did the number say before? A checksum finds that something changed; trying every digit at
 * every place finds what, because only the original fits the checksum again.
 */
import { crc32 } from 'node:zlib';

export interface ChangedDigit {
  /** Index of the changed character. */
  readonly index: number;
  readonly original: string;
}

const DIGITS = '0123456789';

/**
 * The first single-digit substitution that is accepted; null when none is. `accepts` must be strong
 * enough (a SHA-256) that no second one can be.
 */
export function recoverDigit(
  text: string,
  accepts: (candidate: string) => boolean,
): ChangedDigit | null {
  for (let index = 0; index < text.length; index++) {
    const now = text[index] as string;
    if (!DIGITS.includes(now)) continue;
    for (const original of DIGITS) {
      if (original === now) continue;
      if (accepts(text.slice(0, index) + original + text.slice(index + 1))) {
        return { index, original };
      }
    }
  }
  return null;
}

const TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let register = byte;
  for (let i = 0; i < 8; i++)
    register = register & 1 ? (register >>> 1) ^ 0xedb88320 : register >>> 1;
  return register;
});

/**
 * The same for a CRC-32, in time linear in the length. CRC is linear over XOR: changing a byte by
 * `delta` at distance k from the end changes the checksum by what k zero bytes make of
 * TABLE[delta], whatever the other bytes are. So one pass from the end, holding the effect of each
 * of the low four bits (two digits differ in no other), tests every digit at every place.
 * Source: the linearity of CRCs, e.g. Peterson and Brown 1961.
 */
export function recoverDigitByCrc(bytes: Uint8Array, stated: number): ChangedDigit[] {
  const target = (crc32(bytes) ^ stated) >>> 0;
  const found: ChangedDigit[] = [];
  const effects = [1, 2, 4, 8].map((bit) => TABLE[bit] as number);
  for (let index = bytes.length - 1; index >= 0; index--) {
    const now = bytes[index] as number;
    if (now >= 0x30 && now <= 0x39) {
      for (let digit = 0x30; digit <= 0x39; digit++) {
        const delta = now ^ digit;
        const effect = effects.reduce((x, e, bit) => (delta & (1 << bit) ? x ^ e : x), 0) >>> 0;
        if (delta !== 0 && effect === target) {
          found.push({ index, original: String.fromCharCode(digit) });
        }
      }
    }
    for (let bit = 0; bit < 4; bit++) {
      const e = effects[bit] as number;
      effects[bit] = ((TABLE[e & 0xff] as number) ^ (e >>> 8)) >>> 0;
    }
  }
  return found;
}
