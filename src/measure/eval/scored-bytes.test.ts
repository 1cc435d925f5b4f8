import fc from 'fast-check';
import { expect, test } from 'vitest';
import { bytesOfRanges } from './scored-bytes.ts';

/** One token a byte, as the worst of byte-level tokenizers; 256 is a special token. */
const encode = (text: string): number[] => [256, ...Buffer.from(text)];
const decode = (ids: readonly number[]): string =>
  Buffer.from(ids.filter((id) => id < 256)).toString('utf8');

const document = (text: string) => ({ text, ids: encode(text), decode });

test('ranges that follow one another add up to the text, wherever they cut a character', () => {
  const text = fc
    .string({ unit: 'binary', maxLength: 40 })
    .filter((t) => !/[\uD800-\uDFFF]/.test(t));
  const cuts = fc.array(fc.nat(), { maxLength: 5 });
  fc.assert(
    fc.property(text, cuts, (text, at) => {
      const whole = document(text);
      const { length } = whole.ids;
      const sorted = [...new Set([1, ...at.map((cut) => 1 + (cut % length)), length])].sort(
        (a, b) => a - b,
      );
      const ranges = sorted.slice(1).map((to, i) => ({ from: sorted[i] as number, to }));
      const bytes = bytesOfRanges(whole, ranges);
      expect(bytes!.reduce((a, b) => a + b, 0)).toBe(Buffer.byteLength(text));
      for (const each of bytes!) expect(each).toBeGreaterThanOrEqual(0);
    }),
  );
});

test('a character belongs to the token that completes it', () => {
  const ranges = [
    { from: 1, to: 3 },
    { from: 3, to: 5 },
  ];
  // a, then é in two bytes, then b: the cut is inside é.
  expect(bytesOfRanges(document('aéb'), ranges)).toEqual([1, 3]);
});

test('ends that all cut one character leave it to the last', () => {
  const ends = [1, 2, 3, 4, 5];
  const ranges = ends.slice(1).map((to, i) => ({ from: ends[i] as number, to }));
  expect(bytesOfRanges(document('😀'), ranges)).toEqual([0, 0, 0, 4]);
});

test('a tokenizer that does not give its text back is not believed', () => {
  const lower = { ...document('ABC'), decode: (ids: readonly number[]) => decode(ids).slice(1) };
  expect(bytesOfRanges(lower, [{ from: 1, to: 4 }])).toBeNull();
});
