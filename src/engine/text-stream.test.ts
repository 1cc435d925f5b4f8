import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { textStream } from './text-stream.ts';

/** A tokenizer whose tokens are single bytes: every character beyond ASCII takes several. */
const bytes = (ids: readonly number[]): string => new TextDecoder().decode(Uint8Array.from(ids));

const words = fc
  .string({ unit: 'grapheme', maxLength: 30 })
  // The replacement character, as a part of the text, would be taken for half a character.
  .filter((text) => !text.includes('\uFFFD'));

describe('text stream', () => {
  test('pieces join to the whole text, and none holds half a character', () => {
    fc.assert(
      fc.property(words, (text) => {
        const stream = textStream(bytes);
        const ids = [...new TextEncoder().encode(text)];
        const pieces = ids.map((id) => stream.push(id));
        pieces.push(stream.end());
        // A byte-order mark at the start is dropped by the decoder itself.
        expect(pieces.join('')).toBe(bytes(ids));
        for (const piece of pieces) expect(piece).not.toContain('\uFFFD');
      }),
    );
  });

  test('what never becomes a character comes out at the end', () => {
    const stream = textStream(bytes);
    expect(stream.push(0x61)).toBe('a');
    expect(stream.push(0xe2)).toBe('');
    expect(stream.push(0x82)).toBe('');
    expect(stream.end()).toBe('\uFFFD');
    expect(stream.end()).toBe('');
  });

  test('a leading space that a decoder strips is stripped once only', () => {
    const words = [' Once', ' upon', ' a'];
    const strip = (ids: readonly number[]): string =>
      ids
        .map((id) => words[id])
        .join('')
        .slice(1);
    const stream = textStream(strip);
    expect([stream.push(0), stream.push(1), stream.push(2)].join('')).toBe('Once upon a');
  });
});
