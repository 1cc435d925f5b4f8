/** `assay moe trace` as users start it: a file that its own validator accepts, and nothing lost. */
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TraceWriter } from '../../src/measure/moe/trace-writer.ts';
import { StorageError } from '../../src/record/errors.ts';
import type { Metric } from '../../src/record/schema.ts';
import { type BenchLab, benchLab } from '../support/bench-lab.ts';
import { projectRoot } from '../support/built-command.ts';

const MOE = {
  architectures: ['OlmoeForCausalLM'],
  model_type: 'olmoe',
  num_experts: 8,
  num_experts_per_tok: 2,
  intermediate_size: 64,
  norm_topk_prob: true,
};
const PROMPTS = ['one', 'two and more', 'three', 'the fourth prompt is longer', 'five'];

let bench: BenchLab;
beforeAll(() => {
  bench = benchLab({ model: { config: MOE } });
  bench.write('prompts.txt', `${PROMPTS.join('\n')}\n`);
});
afterAll(() => bench.remove());

interface Route {
  type: string;
  req_id: string;
  token_idx: number;
  layer: number;
  topk_ids: number[];
  topk_weights: number[];
  phase: string;
}
interface Output {
  runId: string;
  status: string;
  trace: string;
  metrics: Record<string, Metric>;
}

const settings = ['--prompts', 'prompts.txt', '--new-tokens', '6', '--batch-size', '2', '--json'];

async function trace(...more: string[]): Promise<Output & { meta: Route; routes: Route[] }> {
  const result = await bench.assay(['moe', 'trace', '--model', 'model', ...settings, ...more]);
  expect(result, result.stderr).toMatchObject({ code: 0 });
  const output = result.json<Output>();
  const lines = readFileSync(join(bench.root, output.trace), 'utf8').trimEnd().split('\n');
  const [meta, ...routes] = lines.map((line) => JSON.parse(line));
  return { ...output, meta, routes };
}

const key = ({ req_id, token_idx, layer }: Route): string => `${req_id} ${token_idx} ${layer}`;

describe('assay moe trace', () => {
  it('writes every fed token of every layer once, with its real request and position', async () => {
    const { meta, routes, metrics, runId } = await trace('--repeat', '--compare', '2');
    expect(meta).toMatchObject({
      type: 'meta',
      vllm_version: null,
      torch_version: null,
      device: 'cpu',
      seed: 1234,
      layers_logged: [0, 1],
      top_k: 2,
      engine: 'embedded',
      num_experts: 8,
      norm_topk_prob: true,
    });
    const samples = readFileSync(join(bench.root, 'runs', runId, 'samples.jsonl'), 'utf8');
    const generated = samples
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line))
      .filter(({ kind }) => kind === 'generated');
    expect(generated.map(({ prompt }) => prompt)).toEqual([0, 1, 2, 3, 4]);
    const ids = new Set(routes.map(({ req_id }) => req_id));
    expect([...ids].sort()).toEqual(PROMPTS.map((_, index) => `prompt-${index}`));
    for (const [index, text] of PROMPTS.entries()) {
      // The byte tokenizer puts one token before the text; the last new token is never fed.
      const fed = text.length + 1 + generated[index].ids.length - 1;
      for (const layer of [0, 1]) {
        const own = routes.filter((r) => r.req_id === `prompt-${index}` && r.layer === layer);
        expect(own.map(({ token_idx }) => token_idx)).toEqual(
          Array.from({ length: fed }, (_, i) => i),
        );
        expect(own.filter(({ phase }) => phase === 'prefill')).toHaveLength(text.length + 1);
      }
    }
    for (const { topk_ids, topk_weights } of routes) {
      expect(new Set(topk_ids).size).toBe(2);
      expect(topk_weights[0]! + topk_weights[1]!).toBeCloseTo(1, 6);
    }
    expect(metrics.routes!.value).toBe(routes.length);
    expect(metrics.bitEqualRepeats).toMatchObject({ value: 1, n: 1 });
    expect(metrics.sameTokenPairs).toMatchObject({ value: 2, n: 2 });
    expect(metrics.decodeOverhead!.n).toBe(2);
    expect(existsSync(join(bench.root, 'runs', runId, 'routing.jsonl.compare'))).toBe(false);
    expect(bench.leftovers()).toEqual([]);
  });

  it('gives the counts of the file, passes the validator, and stands when verified', async () => {
    const { routes, metrics, runId, trace: path } = await trace('--parquet');
    for (const layer of [0, 1]) {
      const own = routes.filter((route) => route.layer === layer);
      const counts = Array<number>(8).fill(0);
      for (const id of own.flatMap(({ topk_ids }) => topk_ids)) counts[id]! += 1;
      const total = own.length * 2;
      const bits = -counts
        .filter((n) => n > 0)
        .reduce((sum, n) => sum + (n / total) * Math.log2(n / total), 0);
      expect(metrics[`routingEntropyLayer${layer}`]!.value).toBeCloseTo(bits, 9);
      expect(metrics[`routingUnusedLayer${layer}`]!.value).toBe(
        counts.filter((n) => n === 0).length,
      );
    }
    const valid = await bench.assay(['moe', 'validate', path]);
    expect(valid.code, valid.stdout).toBe(0);
    const parquet = join(dirname(path), 'routing.parquet');
    const columns = await bench.assay(['moe', 'validate', parquet, '--json']);
    expect(columns.json<{ routes: number }>().routes).toBe(routes.length);
    const verified = await bench.assay(['verify', runId]);
    expect(verified.code, verified.stdout).toBe(0);
  });

  it('traces some layers and some tokens: the same lines as the whole trace has', async () => {
    const whole = new Map((await trace()).routes.map((route) => [key(route), route]));
    const { meta, routes } = await trace('--layers', '1', '--tokens-sample', '0.4');
    expect(meta).toMatchObject({ layers_logged: [1], token_sample: 0.4 });
    expect(routes.length).toBeGreaterThan(0);
    expect(routes.length).toBeLessThan(whole.size / 2);
    for (const route of routes) expect(route).toEqual(whole.get(key(route)));
  });

  it.each([
    [['--layers', '5'], /layers 5 have no router/],
    [['--new-tokens', '300'], /exceed the 256 positions/],
    [['--tokens-sample', '0'], /--tokens-sample/],
    [['--prompts', 'missing.txt'], /missing.txt/],
    [['--device', 'webgpu'], /CPU only|GPU/],
  ])('%j is refused', async (more, message) => {
    const [option] = more;
    // An option may be given once only.
    const others = settings.flatMap((text, i) => {
      return text === option || settings[i - 1] === option ? [] : [text];
    });
    const result = await bench.assay(['moe', 'trace', '--model', 'model', ...others, ...more]);
    expect([2, 3, 4]).toContain(result.code);
    expect(result.stderr).toMatch(message);
    expect(result.stderr).not.toMatch(/ at .*\.js:/);
  });

  it('a model without routers is refused before anything runs', async () => {
    const model = ['--model', 'builtin:assay-tiny'];
    const result = await bench.assay(['moe', 'trace', ...model, ...settings]);
    expect(result.code).toBe(2);
    expect(result.stderr).toMatch(/assay-tiny: the model has no router/);
  });
});

describe('the writer', () => {
  const thread = pathToFileURL(join(projectRoot, 'dist/measure/moe/trace-thread.js'));
  const shape = { layers: [4], topK: 1 };
  let dir: string;
  beforeAll(() => {
    dir = mkdtempSync(join(tmpdir(), 'assay-writer-'));
  });
  afterAll(() => rmSync(dir, { recursive: true }));

  it('makes the engine wait when its queue is full, counts it, and loses nothing', async () => {
    const path = join(dir, 'full.jsonl');
    const small = { queueChunks: 1, chunkTokens: 1 };
    const writer = new TraceWriter({ path, header: { type: 'meta' }, shape, thread, ...small });
    const [ids, weights] = [Int32Array.of(7), Float32Array.of(0.5)];
    for (let position = 0; position < 5_000; position++) {
      writer.add({ request: 3, position, decode: false }, ids, weights);
    }
    const report = await writer.close();
    expect(report.routes).toBe(5_000);
    expect(report.stalls).toBeGreaterThan(0);
    const lines = readFileSync(path, 'utf8').trimEnd().split('\n').slice(1);
    expect(lines.map((line) => JSON.parse(line).token_idx)).toEqual(
      Array.from({ length: 5_000 }, (_, i) => i),
    );
  });

  it('says that it cannot write instead of hanging', async () => {
    const path = join(dir, 'no', 'such', 'folder.jsonl');
    const writer = new TraceWriter({ path, header: {}, shape, thread, chunkTokens: 1 });
    const [ids, weights] = [Int32Array.of(7), Float32Array.of(0.5)];
    for (let position = 0; position < 100; position++) {
      writer.add({ request: 0, position, decode: true }, ids, weights);
    }
    writer.drain();
    await expect(writer.close()).rejects.toThrow(StorageError);
  });
});
