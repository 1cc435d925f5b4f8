/**
 * Which token is scored with which context: computed here a second time, one window a call, from
 * the definition alone, through the engine that a library user opens.
 */
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Engine } from '../../src/engine/engine.ts';
import { openEngine } from '../../src/engine/open.ts';
import type { WindowRow } from '../../src/record/rows.ts';
import { readSamples } from '../../src/record/sample-reader.ts';
import { type BenchLab, benchLab } from '../support/bench-lab.ts';
import { BOS_ID } from '../support/byte-tokenizer.ts';
import type { EvalOutput } from '../support/eval-output.ts';
import { someText, writeCorpus } from '../support/texts.ts';

const LENGTHS = [220, 1, 90, 340];
const SEED = 400;

let bench: BenchLab;
let engine: Engine;
beforeAll(async () => {
  bench = benchLab();
  writeCorpus(join(bench.root, 'corpus.jsonl'), LENGTHS, SEED);
  const model = join(bench.root, 'model');
  engine = await openEngine({ model, scheme: 'f32', threads: 1, builtinDir: '/', env: {} });
});
afterAll(async () => {
  await engine.close();
  bench.remove();
});

/** Token `at` is scored in the first window that holds it beside some token before it. */
async function lossOf(ids: readonly number[], at: number, shape: Shape): Promise<number> {
  const { context, stride } = shape;
  for (let begin = 0; ; begin += stride) {
    if (at === begin || at >= begin + context) continue;
    const window = { ids: ids.slice(begin, at + 1), scoreFrom: at - begin };
    const [scored] = await engine.score([window], new AbortController().signal);
    return -scored!.logp[0]!;
  }
}

interface Shape {
  readonly context: number;
  readonly stride: number;
}

/** Largest difference per token that padding and batching may make in f32, nats. */
const TOLERANCE = 5e-6;

describe('windows of assay eval', () => {
  it.each([
    { context: 256, stride: 128 },
    { context: 64, stride: 64 },
    { context: 64, stride: 1 },
    { context: 50, stride: 17 },
  ])('give every token the context that the definition says: %j', async (shape) => {
    const result = await bench.assay([
      ...['eval', '--model', 'model', '--corpus', 'corpus.jsonl', '--budget', 'extended'],
      ...['--context', `${shape.context}`, '--stride', `${shape.stride}`, '--threads', '1'],
      '--json',
    ]);
    expect(result, result.stderr).toMatchObject({ code: 0 });
    const { runId, metrics } = result.json<EvalOutput>();
    const { rows } = readSamples(join(bench.lab.runsDir, runId, 'samples.jsonl'));
    const windows = rows.filter((row): row is WindowRow => row.kind === 'window');
    let total = 0;
    let largest = 0;
    let scored = 0;
    for (const [document, length] of LENGTHS.entries()) {
      const ids = [BOS_ID, ...Buffer.from(someText(length, SEED + document))];
      const recorded = lossesOf(windows, document, shape.stride);
      for (let at = 1; at < ids.length; at++) {
        // With S = W no window holds this token beside one before it: it stays unscored.
        if (shape.stride === shape.context && at % shape.stride === 0) {
          expect(recorded.has(at)).toBe(false);
          continue;
        }
        const loss = await lossOf(ids, at, shape);
        largest = Math.max(largest, Math.abs(loss - recorded.get(at)!));
        total += loss;
        scored++;
      }
      expect(Math.max(0, ...recorded.keys())).toBeLessThan(ids.length);
    }
    expect(metrics.scoredTokens!.value).toBe(scored);
    expect(largest).toBeLessThan(TOLERANCE);
    expect(Math.abs(metrics.loss!.value! - total / scored)).toBeLessThan(TOLERANCE);
    console.log(`${JSON.stringify(shape)}: ${scored} tokens, largest difference ${largest} nats`);
  });
});

/** Loss by position in the document; a token that were scored twice would be found here. */
function lossesOf(
  windows: readonly WindowRow[],
  document: number,
  stride: number,
): Map<number, number> {
  const losses = new Map<number, number>();
  for (const row of windows.filter((each) => each.document === document)) {
    for (const [i, logp] of row.logp.entries()) {
      const at = row.window * stride + row.scoreFrom + i;
      expect(losses.has(at), `token ${at} twice`).toBe(false);
      losses.set(at, -logp!);
    }
  }
  return losses;
}
