import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import {
  heldoutIntents,
  heldoutWorld,
  intentItems,
  jsonl,
  SEEDS,
  SIZES,
  worldDocuments,
} from './datasets.ts';
import { CONTINUATION, LABELS, PROMPT } from './intents.ts';

/**
 * Writes the demo model's data: heldout.jsonl, intents.jsonl and intents.json (shipped with the
 * model) and, unless --heldout-only is given, train-world.jsonl and train-intents.jsonl.
 */
const CHUNK_ROWS = 2000;

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: { out: { type: 'string' }, 'heldout-only': { type: 'boolean', default: false } },
  });
  if (values.out === undefined) {
    throw new Error('usage: npx tsx scripts/demo-model/generate.ts --out DIR [--heldout-only]');
  }
  await mkdir(values.out, { recursive: true });
  const documents = heldoutWorld();
  const items = heldoutIntents();
  const task = { prompt: PROMPT, continuation: CONTINUATION, labels: LABELS };
  await writeFile(join(values.out, 'heldout.jsonl'), jsonl(documents.map((text) => ({ text }))));
  await writeFile(join(values.out, 'intents.jsonl'), jsonl(items));
  await writeFile(join(values.out, 'intents.json'), `${JSON.stringify(task, null, 2)}\n`);
  console.log(`held out: ${documents.length} documents, ${items.length} intent items`);
  if (values['heldout-only']) return;

  // Seeding the sets of seen texts with the held-out ones keeps training disjoint from them.
  const heldTexts = new Set(documents);
  const heldRequests = new Set(items.map((item) => item.text));
  await stream(
    join(values.out, 'train-world.jsonl'),
    SIZES.trainWorld,
    heldTexts,
    map(worldDocuments(SEEDS.trainWorld, new Set(documents)), (text) => ({ text })),
  );
  await stream(
    join(values.out, 'train-intents.jsonl'),
    SIZES.trainIntents,
    heldRequests,
    intentItems(SEEDS.trainIntents, new Set(heldRequests)),
  );
}

/** Writes `count` rows and counts, independently of the generators, what is also held out. */
async function stream(
  path: string,
  count: number,
  held: ReadonlySet<string>,
  rows: Generator<{ text: string }>,
): Promise<void> {
  const file = createWriteStream(path);
  let written = 0;
  let shared = 0;
  let chunk: { text: string }[] = [];
  for (const row of rows) {
    if (held.has(row.text)) shared++;
    chunk.push(row);
    written++;
    if (chunk.length < CHUNK_ROWS && written < count) continue;
    if (!file.write(jsonl(chunk))) await once(file, 'drain');
    chunk = [];
    if (written === count) break;
  }
  file.end();
  await once(file, 'finish');
  console.log(`${path}: ${written} rows, ${shared} of them also held out`);
  if (shared > 0) throw new Error('training and held-out text overlap');
}

function* map<A, B>(source: Generator<A>, convert: (item: A) => B): Generator<B> {
  for (const item of source) yield convert(item);
}

await main();
