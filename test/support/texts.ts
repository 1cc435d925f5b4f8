/** Seeded texts that do not repeat themselves, and files of them. */
import { writeFileSync } from 'node:fs';
import { below, type RandomU32, sfc32 } from '../../src/analyze/random.ts';

const SYLLABLES = ['ba', 'ce', 'di', 'fo', 'gu', 'ha', 'je', 'ki', 'lo', 'mu', 'na', 'pe', 'ri'];

/** Exactly `characters` ASCII characters: with the byte tokenizer as many tokens, plus BOS. */
export function someText(characters: number, seed: number): string {
  const random = sfc32(seed);
  let text = '';
  while (text.length < characters) text += word(random);
  return text.slice(0, characters);
}

function word(random: RandomU32): string {
  const length = 1 + below(random, 4);
  const parts = Array.from({ length }, () => SYLLABLES[below(random, SYLLABLES.length)]);
  return `${parts.join('')}${below(random, 8) === 0 ? '. ' : ' '}`;
}

/** One row a document. */
export function writeCorpus(path: string, lengths: readonly number[], seed = 1): string {
  const rows = lengths.map((length, i) => JSON.stringify({ text: someText(length, seed + i) }));
  writeFileSync(path, `${rows.join('\n')}\n`);
  return path;
}

/** A labelled set with four labels. */
export function writeLabelledSet(path: string, items: number): string {
  const rows = Array.from({ length: items }, (_, i) =>
    JSON.stringify({ text: someText(20 + (i % 7), 900 + i), label: ['a', 'b', 'c', 'd'][i % 4] }),
  );
  writeFileSync(path, `${rows.join('\n')}\n`);
  return path;
}
