import { crc32 } from 'node:zlib';
import { expect, test } from 'vitest';
import { drawPng } from './draw.ts';

test('a PNG says 300 dots an inch: 11811 a metre, in a chunk whose checksum holds', async () => {
  const svg = '<svg xmlns="http://www.w3.org/2000/svg" width="96" height="48"></svg>';
  const png = Buffer.from(await drawPng(svg));
  const at = png.indexOf('pHYs');
  expect(at).toBe(37);
  expect([png.readUInt32BE(at + 4), png.readUInt32BE(at + 8)]).toEqual([11_811, 11_811]);
  expect(png[at + 12]).toBe(1);
  expect(png.readUInt32BE(at + 13)).toBe(crc32(png.subarray(at, at + 13)));
  // An inch of CSS wide, half an inch high.
  expect([png.readUInt32BE(16), png.readUInt32BE(20)]).toEqual([300, 150]);
});
