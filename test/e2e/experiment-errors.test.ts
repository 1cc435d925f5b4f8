import { existsSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type BenchLab, benchLab } from '../support/bench-lab.ts';
import { writeExperiment } from '../support/experiment-file.ts';

let bench: BenchLab;
beforeAll(() => {
  bench = benchLab();
});
afterAll(() => bench.remove());

/** The message lines of a run that must fail with exit code 2. */
async function problems(yaml: string, ...more: string[]): Promise<string[]> {
  bench.write('wrong.yaml', yaml);
  const result = await bench.assay(['run', 'wrong.yaml', ...more]);
  expect(result, result.stderr).toMatchObject({ code: 2, stdout: '' });
  expect(result.stderr).not.toMatch(/\n {4}at /);
  expect(existsSync(bench.lab.runsDir)).toBe(false);
  expect(bench.leftovers()).toEqual([]);
  return result.stderr
    .split('\n')
    .filter((line) => line.startsWith('error: '))
    .map((line) => line.slice('error: '.length));
}

const GOOD = `name: small
models: [./model]
schemes: [f32]
baseline: f32
measures:
  - eval:
      corpus: corpus.jsonl
`;

describe('a wrong experiment file', () => {
  it('has all its problems named at once, each with its line', async () => {
    const wrong = `name: small
models: [./model]
scheems: [f32]
schemes: [f32, int5-g128]
baseline: f32
seed: -1
measures:
  - eval:
      corpus: corpus.jsonl
      budjet: smoke
      stride: 0
`;
    const found = await problems(wrong);
    for (const [line, what] of [
      [3, 'unknown key scheems'],
      [4, 'schemes.1'],
      [6, 'seed'],
      [10, 'unknown key measures.0.eval.budjet'],
      [11, 'measures.0.eval.stride'],
    ] as const) {
      expect(found).toContainEqual(expect.stringContaining(`wrong.yaml:${line}: ${what}`));
    }
    expect(found.length).toBe(5);
  });

  it.each([
    ['a tab for indentation', GOOD.replace('  - eval', '\t- eval'), /^wrong\.yaml:6: /],
    ['a key twice', `${GOOD}name: again\n`, /^wrong\.yaml:8: .*unique/],
    ['nothing in it', '', /^wrong\.yaml:1: name: is missing/],
    ['a list in it', '- a\n- b\n', /^wrong\.yaml:1: /],
    ['no measures', GOOD.slice(0, GOOD.indexOf('measures')), /^wrong\.yaml:1: measures/],
    [
      'a baseline that is not measured',
      GOOD.replace('baseline: f32', 'baseline: bf16'),
      /:4: .*among schemes/,
    ],
    ['a scheme twice', GOOD.replace('[f32]', '[f32, f32]'), /:3: .*listed twice/],
    ['a name that leaves runs/', GOOD.replace('small', '../small'), /:1: name/],
    [
      'two measures in one',
      GOOD.replace('  - eval', '  - task: { file: x }\n    eval'),
      /exactly one of/,
    ],
    ['an alias without its anchor', GOOD.replace('[./model]', '*model'), /^wrong\.yaml: .*alias/],
    [
      'a stride above the context',
      `${GOOD}      context: 8\n      stride: 9\n`,
      /wrong\.yaml:6: stride 9 .*context 8/,
    ],
    ['a model that is not there', GOOD.replace('./model', './gone'), /^wrong\.yaml:2: .*gone/],
  ])('with %s is refused', async (_, yaml, message) => {
    expect((await problems(yaml)).join('\n')).toMatch(message);
  });

  it('has its missing model and its missing corpus named together', async () => {
    const yaml = GOOD.replace('./model', './gone').replace('corpus.jsonl', 'nowhere.jsonl');
    const found = await problems(yaml);
    expect(found).toEqual([
      expect.stringMatching(/^wrong\.yaml:6: .*nowhere\.jsonl/),
      expect.stringMatching(/^wrong\.yaml:2: .*gone/),
    ]);
  });

  it('is also refused by a dry run', async () => {
    expect(await problems(GOOD.replace('f32]', 'f33]'), '--dry-run')).not.toEqual([]);
  });

  it('of many aliases is refused before they are expanded', async () => {
    const bomb = ['a: &a [x, x, x, x, x, x, x, x, x]'];
    for (const [from, to] of ['ab', 'bc', 'cd', 'de', 'ef', 'fg', 'gh', 'hi']) {
      bomb.push(`${to}: &${to} [${Array(9).fill(`*${from}`).join(', ')}]`);
    }
    expect(await problems(`${bomb.join('\n')}\n`)).not.toEqual([]);
  });
});

describe('an experiment that is being run', () => {
  it('is refused with exit code 2, naming the process, and the first one is not disturbed', async () => {
    const file = writeExperiment(bench, {
      name: 'busy',
      schemes: ['f32', 'bf16'],
      budget: 'standard',
    });
    const first = bench.start(['run', file]);
    await first.says('[1/2]');
    const second = await bench.assay(['run', file]);
    expect(second.code).toBe(2);
    expect(second.stderr).toContain(`pid ${first.pid} on `);
    expect(second.stderr).toMatch(/^hint: /m);
    expect(await first.ended).toMatchObject({ code: 0 });
    expect((await bench.assay(['verify'])).code).toBe(0);
  });
});
