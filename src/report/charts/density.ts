/** The physical size of a PNG, which resvg does not write: the pHYs chunk (PNG, 11.3.4.3). */
import { crc32 } from 'node:zlib';

/** Signature and IHDR chunk: pHYs may stand anywhere between it and the image data. */
const HEADER_BYTES = 33;
const INCH_METRES = 0.0254;
const PER_METRE = 1;

export function withDensity(png: Uint8Array, dpi: number): Uint8Array {
  const dots = Math.round(dpi / INCH_METRES);
  const chunk = Buffer.alloc(21);
  chunk.writeUInt32BE(9, 0);
  chunk.write('pHYs', 4, 'latin1');
  chunk.writeUInt32BE(dots, 8);
  chunk.writeUInt32BE(dots, 12);
  chunk.writeUInt8(PER_METRE, 16);
  chunk.writeUInt32BE(crc32(chunk.subarray(4, 17)), 17);
  return Buffer.concat([png.subarray(0, HEADER_BYTES), chunk, png.subarray(HEADER_BYTES)]);
}
