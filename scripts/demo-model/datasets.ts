import { type IntentItem, intentItem, LABELS } from './intents.ts';
import { ledger } from './ledger.ts';
import { almanac, fair, letter, register } from './notes.ts';
import { Rng } from './rng.ts';
import { story } from './stories.ts';
import { buildWorld, type World } from './world.ts';

/** Sizes and seeds of the four files. Held-out and training text come from different seeds. */
export const SEEDS = {
  heldoutWorld: 'assay-tiny/heldout/world/1',
  heldoutIntents: 'assay-tiny/heldout/intents/1',
  trainWorld: 'assay-tiny/train/world/1',
  trainIntents: 'assay-tiny/train/intents/1',
} as const;

export const SIZES = {
  heldoutWorld: 240,
  heldoutIntents: 1000,
  trainWorld: 280_000,
  trainIntents: 160_000,
} as const;

// In characters, so that no tokenizer is needed here: about 80 to 220 tokens.
const SHORTEST = 340;
const LONGEST = 860;

const KINDS = { story: 9, ledger: 3, letter: 4, almanac: 3, register: 5, fair: 4 } as const;
const WRITERS: Record<keyof typeof KINDS, (rng: Rng, world: World) => string> = {
  story,
  ledger,
  letter,
  almanac,
  register,
  fair,
};

/** Endless documents of the small world; `seen` holds the texts that must not come again. */
export function* worldDocuments(seed: string, seen: Set<string>): Generator<string> {
  const rng = new Rng(seed);
  const world = buildWorld();
  while (true) {
    const text = WRITERS[rng.weighted(KINDS)](rng, world);
    if (text.length < SHORTEST || text.length > LONGEST || seen.has(text)) continue;
    seen.add(text);
    yield text;
  }
}

/** Endless intent items, every label equally often. Items count as equal whatever their label. */
export function* intentItems(seed: string, seen: Set<string>): Generator<IntentItem> {
  const rng = new Rng(seed);
  while (true) {
    for (const label of rng.sample(LABELS, LABELS.length)) {
      let item = intentItem(rng, label);
      while (seen.has(item.text)) item = intentItem(rng, label);
      seen.add(item.text);
      yield item;
    }
  }
}

export function take<T>(source: Generator<T>, count: number): T[] {
  const items: T[] = [];
  for (const item of source) {
    if (items.push(item) === count) break;
  }
  return items;
}

export function heldoutWorld(): string[] {
  return take(worldDocuments(SEEDS.heldoutWorld, new Set()), SIZES.heldoutWorld);
}

export function heldoutIntents(): IntentItem[] {
  return take(intentItems(SEEDS.heldoutIntents, new Set()), SIZES.heldoutIntents);
}

export function jsonl(rows: readonly object[]): string {
  return rows.map((row) => `${JSON.stringify(row)}\n`).join('');
}
