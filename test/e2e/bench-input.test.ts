import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readSamples } from '../../src/record/sample-reader.ts';
import { writeBenchFile } from '../support/bench-file.ts';
import { type BenchLab, benchLab } from '../support/bench-lab.ts';
import { type Refusal, refused } from '../support/refusal.ts';
import { writeSmallCheckpoint } from '../support/small-checkpoint.ts';

let bench: BenchLab;
beforeAll(() => {
  bench = benchLab();
});
afterAll(() => bench.remove());

const BENCH = ['bench', '--model', './model'];

describe('flags that cannot be measured', () => {
  it.each<[string, string[], Refusal]>([
    ['a batch size of 0', ['--batch-sizes', '1,0'], { code: 2, message: /--batch-sizes: .*>=1/ }],
    ['a negative one', ['--batch-sizes', '-4'], { code: 2, message: /--batch-sizes: .*>=1/ }],
    ['a huge one', ['--batch-sizes', '4097'], { code: 2, message: /--batch-sizes: .*<=4096/ }],
    ['half of one', ['--batch-sizes', '1.5'], { code: 2, message: /--batch-sizes: .*int/ }],
    ['none', ['--batch-sizes', ''], { code: 2, message: /--batch-sizes/ }],
    ['no number', ['--batch-sizes', '1,two'], { code: 2, message: /--batch-sizes: .*NaN/ }],
    ['one twice', ['--batch-sizes', '1,4,1'], { code: 2, message: /--batch-sizes: 1 is listed/ }],
    ['no runs', ['--runs', '0'], { code: 2, message: /--runs: .*>=1/ }],
    [
      'fewer runs than rounds',
      ['--runs', '9', '--warmup', '1'],
      { code: 2, message: /--runs: 9 runs cannot be spread over 10 rounds/ },
    ],
    [
      'fewer runs than warm-up',
      ['--runs', '10', '--warmup', '11'],
      { code: 2, message: /--runs: 10 runs are fewer than the 11 of the warm-up/ },
    ],
    ['a negative warm-up', ['--warmup', '-1'], { code: 2, message: /--warmup: .*>=0/ }],
    ['no new tokens', ['--new-tokens', '0'], { code: 2, message: /--new-tokens: .*>=1/ }],
    ['no prompt tokens', ['--prompt-tokens', '0'], { code: 2, message: /--prompt-tokens: .*>=1/ }],
    ['an unknown scheme', ['--scheme', 'int5'], { code: 2, message: /--scheme: / }],
    [
      'more than the context holds',
      ['--prompt-tokens', '200', '--new-tokens', '58'],
      { code: 2, message: /up to 200 tokens \+ 58 new tokens exceed the 256 positions/ },
    ],
    [
      'a length for prompts of a file',
      ['--prompts', 'p.txt', '--prompt-tokens', '9'],
      { code: 2, message: /--prompt-tokens: the length of prompts of a file is their own/ },
    ],
    ['a file that is not there', ['--prompts', 'p.txt'], { code: 3, message: /does not exist/ }],
    ['a limit of nothing', ['--timeout', '0'], { code: 2, message: /positive number of seconds/ }],
  ])('%s', async (_, flags, wanted) => {
    await refused(bench, [...BENCH, ...flags], wanted);
  });

  it('all at once', async () => {
    const sizes = ['--batch-sizes', '0,5000'];
    const flags = [...sizes, '--runs', '3', '--warmup', '-2', '--new-tokens', 'x'];
    const result = await refused(bench, [...BENCH, ...flags], { code: 2, message: /--runs/ });
    const named = [...result.stderr.matchAll(/^error: (--[a-z-]+):/gm)].map(([, flag]) => flag);
    expect(new Set(named)).toEqual(
      new Set(['--batch-sizes', '--runs', '--warmup', '--new-tokens']),
    );
    expect(named.filter((flag) => flag === '--batch-sizes')).toHaveLength(2);
  });
});

describe('files of prompts', () => {
  it.each<[string, string, RegExp]>([
    ['empty.txt', '', /empty\.txt: there is no prompt in it/],
    ['blank.jsonl', '\n\n', /blank\.jsonl: there is no prompt in it/],
    ['field.jsonl', '{"text":"a"}\n{"question":"b"}\n', /field\.jsonl:2: no prompt in this row/],
    ['foreign.jsonl', '{"input_ids":[5,99999]}\n', /holds token 99999/],
    ['long.txt', `${'long '.repeat(100)}\n`, /\+ 32 new tokens exceed the 256 positions/],
  ])('%s', async (name, content, message) => {
    bench.write(name, content);
    const code = name === 'long.txt' ? 2 : 3;
    await refused(bench, [...BENCH, '--prompts', name], { code, message });
  });

  it('texts for a model without a tokenizer', async () => {
    writeSmallCheckpoint(join(bench.root, 'bare'), { tokenizer: null });
    bench.write('good.txt', 'a prompt\n');
    const args = ['bench', '--model', './bare', '--prompts', 'good.txt'];
    await refused(bench, args, {
      code: 3,
      message: /no tokenizer\.json, and the prompts are text/,
    });
  });
});

describe('experiment files', () => {
  it('are told every problem with its line', async () => {
    bench.write(
      'bad.yaml',
      `name: bad
models:
  - ./model
  - { model: ./model2, schemes: [int8-g128], measures: [speed, bench] }
schemes: [f32, int4-g128]
baseline: f32
measures:
  - bench:
      batch_sizes: [1, 1, 0]
      runs: 5
      warmup: 9
  - bench: { name: second, prompts: p.txt, prompt_tokens: 4, bogus: 1 }
`,
    );
    const result = await bench.assay(['run', 'bad.yaml']);
    expect(result.code).toBe(2);
    const told = result.stderr.match(/^error: .*$/gm)!.map((line) => line.slice('error: '.length));
    expect(told).toEqual([
      expect.stringContaining('bad.yaml:3: models.0: ./model has 2 benchmarks (bench, second)'),
      expect.stringContaining('bad.yaml:4: models.1.schemes.0: int8-g128 is not among the schemes'),
      expect.stringContaining('bad.yaml:4: models.1.schemes: without the baseline f32'),
      expect.stringContaining('bad.yaml:4: models.1.measures.0: speed is no measure'),
      expect.stringContaining('bad.yaml:9: measures.0.bench.batch_sizes.2: Too small'),
      expect.stringContaining('bad.yaml:9: measures.0.bench.batch_sizes.1: 1 is listed twice'),
      expect.stringContaining('bad.yaml:10: measures.0.bench.runs: 5 runs cannot be spread'),
      expect.stringContaining('bad.yaml:10: measures.0.bench.runs: 5 runs are fewer than the 9'),
      expect.stringContaining('bad.yaml:12: unknown key measures.1.bench.bogus'),
      expect.stringContaining('bad.yaml:12: measures.1.bench.prompt_tokens: the length of'),
    ]);
  });
});

describe('a batch that can never fit into memory', () => {
  it('is a recorded failure; the other batch sizes and variants are measured', async () => {
    const config = { max_position_embeddings: 8_192, intermediate_size: 16_384 };
    writeSmallCheckpoint(join(bench.root, 'model'), { config });
    const file = writeBenchFile(bench, {
      ...{ name: 'huge', batchSizes: [1, 4_096], rounds: 1, runs: 1, newTokens: 2 },
      settings: '      prompt_tokens: 2000\n      prompt_count: 2\n',
    });
    const result = await bench.assay(['run', file, '--json']);
    expect(result.code).toBe(3);
    const { runs } = result.json<{
      runs: { cell: string; status: string; reason: string | null; runId: string }[];
    }>();
    expect(runs.map(({ status }) => status)).toEqual([
      'succeeded',
      'failed',
      'succeeded',
      'failed',
    ]);
    for (const run of runs.filter(({ status }) => status === 'failed')) {
      expect(run.cell).toMatch(/bench-b4096$/);
      expect(run.reason).toMatch(/LimitError: the model needs about [\d.]+ GiB of memory/);
      const path = join(bench.lab.runsDir, run.runId, 'samples.jsonl');
      expect(() => readSamples(path)).not.toThrow(/corrupt/);
    }
    expect((await bench.assay(['verify'])).code).toBe(0);
  });
});
