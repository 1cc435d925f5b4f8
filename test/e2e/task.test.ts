import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readSamples } from '../../src/record/sample-reader.ts';
import { type BenchLab, benchLab } from '../support/bench-lab.ts';
import { type EvalOutput, qualityOf } from '../support/eval-output.ts';
import { refused } from '../support/refusal.ts';

let bench: BenchLab;
beforeAll(() => {
  bench = benchLab();
  const items = Array.from({ length: 12 }, (_, i) => ({
    text: `request ${i}`,
    label: ['music', 'news', 'lights'][i % 3],
  }));
  bench.write('labels.jsonl', items.map((item) => `${JSON.stringify(item)}\n`).join(''));
  const choices = [
    { context: 'One and one is', choices: ['two', 'eleven'], answer: 0 },
    { context: 'The sky is', choices: ['blue', 'a fish', 'wet'], answer: 'blue' },
  ];
  bench.write('choices.jsonl', choices.map((item) => `${JSON.stringify(item)}\n`).join(''));
});
afterAll(() => bench.remove());

const EVAL = ['eval', '--model', 'model', '--threads', '1'];

async function evaluate(...more: string[]): Promise<EvalOutput> {
  const result = await bench.assay([...EVAL, '--json', ...more]);
  expect(result, result.stderr).toMatchObject({ code: 0 });
  return result.json<EvalOutput>();
}

const rowsOf = ({ runId }: EvalOutput) =>
  readSamples(join(bench.root, 'runs', runId, 'samples.jsonl')).rows;

/** The built-in model knows its intents; three of them are quick. */
const INTENTS = [
  ...['eval', '--model', 'builtin:assay-tiny', '--threads', '1', '--task', 'few.jsonl'],
  ...['--prompt', 'request: {text}\nintent:', '--continuation', ' {label}\n'],
];

describe('assay eval --task', () => {
  it('generates by default, records what was said, and every metric stands', async () => {
    const output = await evaluate('--task', 'labels.jsonl');
    expect(output).toMatchObject({ status: 'succeeded' });
    expect(output.metrics.accuracy).toMatchObject({ formula: 'task.accuracy/2', n: 12 });
    expect(output.metrics['recall:news']).toMatchObject({ n: 4, params: { label: 'news' } });
    const items = rowsOf(output).filter((row) => row.kind === 'item');
    for (const row of items) {
      if (!row.correct) expect(row.generated).toEqual(expect.any(String));
    }
    expect((await bench.assay(['verify'])).code).toBe(0);
    const [attempt] = output.runId.split('/').slice(-1);
    const told = await bench.assay(['explain', `${attempt}:recall:news`]);
    expect(told.stdout).toContain('task.recall/1 (label=news)');
  });

  it('scores every label by likelihood; both accuracies, and two runs give the same bits', async () => {
    const args = ['--task', 'labels.jsonl', '--method', 'likelihood', '--check-repeat'];
    const output = await evaluate(...args);
    const { accuracy, accuracyNorm, labelMass, labelBrier, bitEqualRepeats } = output.metrics;
    for (const metric of [accuracy, accuracyNorm, labelMass, labelBrier]) {
      expect(metric!.value).toBeGreaterThanOrEqual(0);
      expect(metric!.n).toBe(12);
    }
    expect(bitEqualRepeats!.value).toBe(bitEqualRepeats!.n);
    const codes = output.findings.map((finding) => finding.code);
    expect(codes).toContain('probabilities-sum');
    expect(qualityOf((await evaluate(...args)).metrics)).toEqual(qualityOf(output.metrics));
  });

  it('takes rows with choices, of different number, and has no labels to confuse', async () => {
    const output = await evaluate('--task', 'choices.jsonl');
    const names = Object.keys(output.metrics);
    expect(names).toEqual(expect.arrayContaining(['accuracy', 'accuracyNorm', 'labelEce']));
    expect(names.filter((name) => /macro|recall|confusion/.test(name))).toEqual([]);
    const items = rowsOf(output).filter((row) => row.kind === 'item');
    expect(items.map((row) => row.scores!.length)).toEqual(items.map((row) => row.choices!.length));
  });

  it('prints labels and confusions for people', async () => {
    const rows = [
      { text: 'where is my package', label: 'track_order' },
      { text: 'i forgot my password', label: 'reset_password' },
      { text: 'please close my account', label: 'track_order' },
    ];
    bench.write('few.jsonl', rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
    const result = await bench.assay(INTENTS);
    expect(result, result.stderr).toMatchObject({ code: 0 });
    expect(result.stdout).toMatch(/^Label\s+Items\s+Recall \[95 %\]/m);
    expect(result.stdout).toMatch(/^track_order\s+2\s/m);
    expect(result.stdout).toMatch(/^Label\s+Answered\s+Items\s+of$/m);
    expect(result.stdout).toMatch(/^Next: assay explain \S+:accuracy$/m);
  });
});

describe('a task of an experiment', () => {
  it('has every pair of label and answer in confusion.csv, and all of it verifies', async () => {
    // Numbers, commas and pipes in labels are words of a report, not figures of it.
    const labels = ['5 stars', 'a, b', 'x|y', '9.5 %'];
    const rows = labels.map((label, i) => `${JSON.stringify({ text: `item ${i}`, label })}\n`);
    bench.write('odd.jsonl', rows.join(''));
    bench.write(
      'odd.yaml',
      [
        ...['name: odd', 'models: [./model]', 'schemes: [f32, int8-g128]', 'baseline: f32'],
        ...['threads: 1', 'measures:', '  - task: {file: odd.jsonl, method: likelihood}', ''],
      ].join('\n'),
    );
    const result = await bench.assay(['run', 'odd.yaml']);
    expect(result, result.stderr).toMatchObject({ code: 0 });
    const csv = bench.read('reports/odd/confusion.csv').trimEnd().split('\n');
    expect(csv[0]).toBe('experiment,model,scheme,measure,run,label,predicted,items');
    const counted = csv.slice(1).reduce((n, line) => n + Number(line.split(',').at(-1)), 0);
    expect(counted).toBe(2 * labels.length);
    const log = bench.read('reports/odd/EXPERIMENT_LOG.md');
    expect(log).toContain('Method: likelihood');
    expect(log).toContain('| x\\|y | 1 |');
    const verified = await bench.assay(['verify']);
    expect(verified, verified.stdout).toMatchObject({ code: 0 });
    const edited = bench.read('reports/odd/confusion.csv').replace(/,1\n$/, ',2\n');
    bench.write('reports/odd/confusion.csv', edited);
    expect((await bench.assay(['verify'])).code).toBe(6);
  });
});

describe('what is refused', () => {
  it.each<[string, string[], RegExp]>([
    ['neither input', [], /--corpus FILE .* or --task FILE/],
    ['both inputs', ['--corpus', 'corpus.jsonl', '--task', 'labels.jsonl'], /either/],
    [
      'flags of a corpus',
      ['--task', 'labels.jsonl', '--budget', 'smoke', '--stride', '4'],
      /--budget is only for --corpus[\s\S]*--stride is only for --corpus/,
    ],
    [
      'flags of a task',
      ['--corpus', 'corpus.jsonl', '--prompt', 'x'],
      /--prompt is only for --task/,
    ],
    ['another method', ['--task', 'labels.jsonl', '--method', 'vote'], /likelihood/],
    ['a head of a language model', ['--task', 'labels.jsonl', '--method', 'head'], /no classif/],
    [
      'choices by generation',
      ['--task', 'choices.jsonl', '--method', 'generation'],
      /have choices/,
    ],
    ['no label', ['--task', 'labels.jsonl', '--continuation', ' yes'], /must hold \{label\}/],
  ])('%s', async (_, more, message) => {
    await refused(bench, [...EVAL, ...more], { code: 2, message });
  });

  it.each<[string, string, RegExp]>([
    [
      'mixed shapes',
      '{"text":"a","label":"b"}\n{"context":"a","choices":["x","y"],"answer":0}',
      /:2:/,
    ],
    ['an answer out of range', '{"context":"a","choices":["x","y"],"answer":2}', /:1: "answer"/],
    ['empty choices', '{"context":"a","choices":[],"answer":0}', /:1: "choices" has 0/],
    ['token ids', '{"input_ids":[1],"label":"b"}', /:1: method generation needs "text"/],
    ['several problems', '{"text":"a"}\n{\n{"text":"a","label":""}', /:1:[\s\S]*:2:[\s\S]*:3:/],
  ])('%s in a file', async (name, text, message) => {
    const file = `bad-${name.replaceAll(' ', '-')}.jsonl`;
    bench.write(file, text);
    await refused(bench, [...EVAL, '--task', file], { code: 3, message });
  });
});
