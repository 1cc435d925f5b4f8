import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { UsageError } from '../record/errors.ts';
import { type ParsedExperiment, parseExperiment } from './spec.ts';

const parse = (text: string): ParsedExperiment => parseExperiment(text, 'e.yaml');

function problems(text: string): readonly string[] {
  try {
    parse(text);
  } catch (error) {
    expect(error).toBeInstanceOf(UsageError);
    expect((error as UsageError).exitCode).toBe(2);
    expect((error as UsageError).hint).toBeTruthy();
    return (error as UsageError).problems;
  }
  throw new Error('nothing was refused');
}

const SMALL = `name: small
models: [builtin:assay-tiny]
schemes: [f32, int8-g128]
baseline: f32
measures:
  - eval:
      corpus: corpus.txt
`;

describe('a file that is right', () => {
  test('gets its defaults', () => {
    expect(parse(SMALL).spec).toEqual({
      name: 'small',
      models: ['builtin:assay-tiny'],
      schemes: ['f32', 'int8-g128'],
      baseline: 'f32',
      activations: 'int8',
      device: 'cpu',
      ignore: [],
      seed: 42,
      measures: [
        {
          eval: {
            corpus: 'corpus.txt',
            budget: 'standard',
            batch_tokens: 2_048,
            check_repeat: false,
          },
        },
      ],
      margins: { perplexity: 0.01, accuracy: 0.01, latency: 0.05 },
    });
  });

  test('models that take part in less stand beside their references', () => {
    const limited = SMALL.replace(
      '[builtin:assay-tiny]',
      '[builtin:assay-tiny, { model: dummy:c.json, schemes: [f32], measures: [eval] }]',
    );
    const { spec } = parse(limited);
    expect(spec.models).toEqual(['builtin:assay-tiny', 'dummy:c.json']);
    expect(spec.selections).toEqual([
      { model: 'dummy:c.json', schemes: ['f32'], measures: ['eval'] },
    ]);
    expect(parse(SMALL.replace('builtin:assay-tiny', '{ model: a }')).spec).not.toHaveProperty(
      'selections',
    );
  });

  test('limits and prices have their units in their names', () => {
    const { choose, cost } = parse(
      `${SMALL}choose: { p95_ms: 50, perplexity_increase: 2%, memory_gib: 16 }
cost: { usd_per_hour: { on_demand: 1.89, spot: 0.6 }, utilization: 60% }
`,
    ).spec;
    expect(choose).toEqual({ p95_ms: 50, perplexity_increase: 0.02, memory_gib: 16 });
    expect(cost).toEqual({ usd_per_hour: { on_demand: 1.89, spot: 0.6 }, utilization: 0.6 });
  });

  test('a margin is a share or a percentage', () => {
    const margins = (text: string) => parse(`${SMALL}margins: ${text}\n`).spec.margins;
    expect(margins('{ perplexity: 2%, accuracy: 0.5 % }')).toEqual({
      perplexity: 0.02,
      accuracy: 0.005,
      latency: 0.05,
    });
    expect(margins('{ accuracy: 0.03 }')).toEqual({
      perplexity: 0.01,
      accuracy: 0.03,
      latency: 0.05,
    });
  });

  test.each([
    ['experiment.yaml', ['eval', 'task', 'bench']],
    ['quickstart.yaml', ['eval', 'task', 'trace', 'bench', 'bench']],
  ])('examples/%s is one', (file, kinds) => {
    const path = join(import.meta.dirname, '../../examples', file);
    const { measures } = parse(readFileSync(path, 'utf8')).spec;
    expect(measures.map((measure) => Object.keys(measure)[0])).toEqual(kinds);
  });

  test('places are known for later checks: key, list entry, nearest parent', () => {
    const { lineOf } = parse(SMALL);
    expect(lineOf(['baseline'])).toBe(4);
    expect(lineOf(['measures'])).toBe(5);
    expect(lineOf(['measures', 0])).toBe(6);
    expect(lineOf(['measures', 0, 'eval', 'corpus'])).toBe(7);
    expect(lineOf(['measures', 0, 'eval', 'context'])).toBe(6);
    expect(lineOf(['margins', 'accuracy'])).toBe(1);
  });
});

test('every problem is told at once, with its line, in the order of the file', () => {
  const text = `name: not a name
bogus:
  deep: 1
models: []
schemes: [f32, f99, f32]
baseline: bf16
threads: 0
measures:
  - eval:
      corpus: c.txt
      batch_token: 3
      context: 1
  - {}
  - task:
      file: items.jsonl
      name: eval
margins:
  perplexity: much
  accuracy: 200%
`;
  const told = problems(text);
  expect(told.map((problem) => problem.replace(/expected one of.*/, '…'))).toEqual([
    'e.yaml:1: name: letters, digits, . _ - only, at most 64',
    'e.yaml:2: unknown key bogus',
    'e.yaml:4: models: Too small: expected array to have >=1 items',
    'e.yaml:5: schemes.1: Invalid option: …',
    'e.yaml:5: schemes.2: f32 is listed twice',
    'e.yaml:6: baseline: baseline bf16 is not among schemes',
    'e.yaml:7: threads: Too small: expected number to be >=1',
    'e.yaml:11: unknown key measures.0.eval.batch_token',
    'e.yaml:12: measures.0.eval.context: Too small: expected number to be >=2',
    'e.yaml:13: measures.1: a measure is exactly one of eval, task, bench, trace',
    expect.stringContaining('e.yaml:14: measures.2: a second measure named eval'),
    'e.yaml:18: margins.perplexity: a number or a percentage like 2%',
    'e.yaml:19: margins.accuracy: is more than 1: two percent are 2% or 0.02',
  ]);
});

describe('single problems', () => {
  test('what is missing is called missing', () => {
    const missing = ['name', 'models', 'schemes', 'baseline', 'measures'];
    expect(problems('')).toEqual(missing.map((key) => `e.yaml:1: ${key}: is missing`));
    expect(problems(SMALL.replace('      corpus: corpus.txt\n', '      budget: smoke\n'))).toEqual([
      'e.yaml:6: measures.0.eval.corpus: is missing',
    ]);
  });

  test('a file that is no map', () => {
    expect(problems('- name: a\n')).toEqual([
      'e.yaml:1: Invalid input: expected object, received array',
    ]);
    expect(problems('just words')[0]).toContain('received string');
  });

  test('the same key twice', () => {
    expect(problems(`${SMALL}seed: 1\nseed: 2\n`)).toEqual(['e.yaml:9: Map keys must be unique']);
  });

  test('the same measure twice: only one of them would be reported', () => {
    const twice = problems(`${SMALL}  - eval:\n      corpus: other.txt\n`);
    expect(twice).toEqual([expect.stringContaining('e.yaml:8: measures.1: a second measure')]);
  });

  test('broken YAML: each error with its line', () => {
    const told = problems('name: [a\nmodels: }\n');
    expect(told.length).toBeGreaterThan(0);
    for (const problem of told) expect(problem).toMatch(/^e\.yaml:[12]: /);
    expect(problems(SMALL.replace('  - eval:', '\t- eval:'))[0]).toMatch(/^e\.yaml:[56]: .*[Tt]ab/);
  });

  test('two documents in one file, an alias without its anchor, a bomb of aliases', () => {
    expect(problems(`${SMALL}---\nname: b\n`)).toEqual([
      'e.yaml:8: a file holds one experiment, not several',
    ]);
    expect(problems('name: *nowhere\n')[0]).toContain('Unresolved alias');
    const level = (key: string, of: string) => `${key}: &${key} [${`${of},`.repeat(10)}]\n`;
    const bomb = level('a', 'x') + level('b', '*a') + level('c', '*b') + level('d', '*c');
    expect(problems(bomb)[0]).toContain('Excessive alias count');
  });

  test.each([
    ['0%', 'margins.perplexity: Too small'],
    ['-1', 'margins.perplexity: Too small'],
    ['2 percent', 'a number or a percentage like 2%'],
    ['"0.02"', 'a number or a percentage like 2%'],
  ])('a margin of %s', (margin, says) => {
    const told = problems(`${SMALL}margins: { perplexity: ${margin} }\n`);
    expect(told).toEqual([expect.stringContaining(says)]);
  });
});

test('limits and prices in other units, unknown, or empty, each with its line', () => {
  const text = `${SMALL}choose:
  p95_s: 0.05
  memory_gb: 16
  p99_ms: 50ms
  perplexity_increase: 2
  colour: 1
  usd_per_1k_requests: 0.1
`;
  expect(problems(text)).toEqual([
    'e.yaml:9: unknown key choose.p95_s: did you mean p95_ms?',
    'e.yaml:10: unknown key choose.memory_gb: did you mean memory_gib?',
    'e.yaml:11: choose.p99_ms: a number of milliseconds, without a unit, like 50',
    'e.yaml:12: choose.perplexity_increase: is more than 1: two percent are 2% or 0.02',
    'e.yaml:13: unknown key choose.colour',
    'e.yaml:14: choose.usd_per_1k_requests: needs a price: give cost.usd_per_hour and ' +
      'cost.utilization',
  ]);
  expect(problems(`${SMALL}choose: {}\ncost:\n  usd_per_hour: {}\n  eur: 1\n`)).toEqual([
    'e.yaml:8: choose: names no limit',
    'e.yaml:9: cost.utilization: is missing',
    'e.yaml:10: cost.usd_per_hour: gives no price: on_demand, spot',
    'e.yaml:11: unknown key cost.eur',
  ]);
  expect(problems(`${SMALL}cost:\n  usd_per_hour: 1.89\n  utilization: 1\n`)).toEqual([
    'e.yaml:9: cost.usd_per_hour: prices by name: {on_demand, spot}',
  ]);
});
