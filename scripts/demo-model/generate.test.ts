import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import {
  heldoutIntents,
  heldoutWorld,
  intentItems,
  jsonl,
  SEEDS,
  take,
  worldDocuments,
} from './datasets.ts';
import { CONTINUATION, LABELS, PROMPT } from './intents.ts';
import { Rng } from './rng.ts';
import { expand, sentence } from './template.ts';

const SAMPLE = 3000;

function shipped(name: string): Buffer {
  return readFileSync(new URL(`../../models/assay-tiny/${name}`, import.meta.url));
}

function sha256(data: string | Buffer): string {
  return createHash('sha256').update(data).digest('hex');
}

describe('held-out sets of the demo model', () => {
  const documents = heldoutWorld();
  const items = heldoutIntents();

  it('regenerates the shipped documents byte for byte', () => {
    const rows = documents.map((text) => ({ text }));
    expect(sha256(jsonl(rows))).toBe(sha256(shipped('heldout.jsonl')));
  });

  it('regenerates the shipped intent items byte for byte', () => {
    expect(sha256(jsonl(items))).toBe(sha256(shipped('intents.jsonl')));
  });

  it('ships the task description that the generator uses', () => {
    const task: unknown = JSON.parse(shipped('intents.json').toString('utf8'));
    expect(task).toEqual({ prompt: PROMPT, continuation: CONTINUATION, labels: LABELS });
  });

  it('has 1000 different items that cover all 23 labels evenly', () => {
    expect(new Set(items.map((item) => item.text)).size).toBe(1000);
    const counts = new Map<string, number>();
    for (const { label } of items) counts.set(label, (counts.get(label) ?? 0) + 1);
    expect([...counts.keys()].sort()).toEqual([...LABELS].sort());
    expect(LABELS).toHaveLength(23);
    expect(Math.min(...counts.values())).toBeGreaterThanOrEqual(43);
    expect(Math.max(...counts.values())).toBeLessThanOrEqual(44);
  });

  it('shares no text with a sample of the training stream', () => {
    // Long texts differ by chance alone; short requests do so because the generator skips them.
    const world = take(worldDocuments(SEEDS.trainWorld, new Set()), SAMPLE);
    const requests = take(
      intentItems(SEEDS.trainIntents, new Set(items.map((i) => i.text))),
      SAMPLE,
    );
    const held = new Set([...documents, ...items.map((item) => item.text)]);
    expect(world.filter((text) => held.has(text))).toEqual([]);
    expect(requests.filter((item) => held.has(item.text))).toEqual([]);
  });

  it('leaves no template syntax in any text', () => {
    for (const text of [...documents, ...items.map((item) => item.text)]) {
      expect(text).not.toMatch(/[{}|$]|undefined| {2}/);
    }
  });
});

describe('the text grammar', () => {
  it('repeats itself for a seed and differs between seeds', () => {
    const draw = (seed: string): number[] => {
      const rng = new Rng(seed);
      return Array.from({ length: 8 }, () => rng.int(1000));
    };
    expect(draw('a')).toEqual(draw('a'));
    expect(draw('a')).not.toEqual(draw('b'));
  });

  it('expands choices, variables and lists', () => {
    const text = expand(
      new Rng('x'),
      '{$who|$who} {saw|saw} $thing',
      { who: 'Mara' },
      {
        thing: ['an owl'],
      },
    );
    expect(text).toBe('Mara saw an owl');
  });

  it('refuses an unknown list and an unclosed brace', () => {
    expect(() => expand(new Rng('x'), '$nothing', {}, {})).toThrow(/unknown word list/);
    expect(() => expand(new Rng('x'), '{a|b', {}, {})).toThrow(/unclosed brace/);
  });

  it('tidies sentences', () => {
    expect(sentence('a old  owl , and a fox')).toBe('An old owl, and a fox');
  });
});
