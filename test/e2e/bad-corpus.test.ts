/** Corpora, windows and labelled sets that cannot be scored: exit code 2 or 3, one message. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { listRuns } from '../../src/record/run-reader.ts';
import { type BenchLab, benchLab } from '../support/bench-lab.ts';
import { GIT_LFS_POINTER, refused } from '../support/refusal.ts';

let bench: BenchLab;
beforeAll(() => {
  bench = benchLab();
});
afterAll(() => bench.remove());

const EVAL = ['eval', '--budget', 'smoke', '--threads', '1'];

const ID_ROW = (ids: unknown): string => `${JSON.stringify({ input_ids: ids })}\n`;
const CORPORA: readonly (readonly [string, string, string | Uint8Array, RegExp])[] = [
  ['an empty text', 'c.txt', '', /the corpus is empty/],
  ['white space', 'c.txt', ' \n\t\n', /the corpus is empty/],
  ['an empty JSONL', 'c.jsonl', '\n\n', /the corpus is empty/],
  ['only empty documents', 'c.jsonl', '{"text":""}\n{"text":" "}\n', /the corpus is empty/],
  ['a single token', 'c.jsonl', ID_ROW([7]), /shorter than two tokens/],
  ['bytes that are no UTF-8', 'c.txt', Buffer.from([0x61, 0xff, 0xfe, 0x62]), /not UTF-8/],
  ['a Git-LFS pointer', 'c.txt', GIT_LFS_POINTER, /Git-LFS pointer/],
  ['a broken row', 'c.jsonl', '{"text":"a b c"}\n{"text":\n', /c\.jsonl:2: not JSON/],
  ['a row that is no object', 'c.jsonl', '{"text":"a b c"}\n[1]\n', /c\.jsonl:2: .*object/],
  ['a row without text', 'c.jsonl', '{"content":"a"}\n', /c\.jsonl:1: .*"text"/],
  ['a fractional id', 'c.jsonl', ID_ROW([1, 2.5]), /input_ids\[1\] is 2\.5/],
  ['a negative id', 'c.jsonl', ID_ROW([1, -2]), /input_ids\[1\] is -2/],
  ['an id that the model lacks', 'c.jsonl', ID_ROW([1, 2, 258]), /token 258, .*only 258/],
];

describe('a corpus of', () => {
  it.each(CORPORA)('%s is refused', async (_, file, content, message) => {
    bench.write(file, content);
    await refused(bench, [...EVAL, '--model', 'model', '--corpus', file], { code: 3, message });
  });

  it('no file, or a folder, is refused', async () => {
    const args = [...EVAL, '--model', 'model', '--corpus'];
    await refused(bench, [...args, 'gone.txt'], { code: 3, message: /gone\.txt: does not exist/ });
    await refused(bench, [...args, 'model'], { code: 3, message: /model: is a folder/ });
  });
});

describe('windows of', () => {
  const args = [...EVAL, '--model', 'model', '--corpus', 'corpus.jsonl'];

  it('more context than the model takes are refused before anything is recorded', async () => {
    const before = listRuns(bench.lab).length;
    await refused(bench, [...args, '--context', '4000000000'], { code: 2, message: /--context/ });
    await refused(bench, [...args, '--context', '257'], { code: 2, message: /257 .*256/ });
    expect(listRuns(bench.lab).length).toBe(before);
  });

  it('a stride beyond the context are refused before anything is recorded', async () => {
    const before = listRuns(bench.lab).length;
    await refused(bench, [...args, '--context', '64', '--stride', '65'], {
      code: 2,
      message: /stride 65/,
    });
    await refused(bench, [...args, '--stride', '257'], { code: 2, message: /stride 257/ });
    expect(listRuns(bench.lab).length).toBe(before);
  });
});

describe('a labelled set of', () => {
  const yaml = `name: labels
models: [./model]
schemes: [f32]
baseline: f32
measures:
  - task:
      file: set.jsonl
`;
  it.each([
    ['no rows', '', /set\.jsonl: the labelled set is empty/],
    ['a row without a label', '{"text":"a","label":"b"}\n{"text":"a"}\n', /set\.jsonl:2: /],
    ['an empty label', '{"text":"a","label":""}\n', /set\.jsonl:1: /],
  ])('%s is refused', async (_, rows, message) => {
    bench.write('set.jsonl', rows);
    bench.write('labels.yaml', yaml);
    await refused(bench, ['run', 'labels.yaml'], { code: 3, message });
  });

  it('a text longer than the model takes is refused, naming the line', async () => {
    bench.write(
      'set.jsonl',
      `{"text":"a","label":"b"}\n{"text":"${'x'.repeat(300)}","label":"b"}\n`,
    );
    bench.write('labels.yaml', yaml);
    const result = await bench.assay(['run', 'labels.yaml']);
    expect(result.code).toBe(3);
    expect(result.stderr).toMatch(/set.jsonl:2: an item of 30\d tokens, the model takes 256/);
  });
});
