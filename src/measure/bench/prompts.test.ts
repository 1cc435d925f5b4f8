import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Tokenizer } from '../../engine/tokenizer.ts';
import { FormatError } from '../../record/errors.ts';
import { benchPrompts, checkContext } from './plan.ts';
import { choosePrompts, loadPrompts, syntheticPrompts } from './prompts.ts';

let dir: string;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'assay-prompts-'));
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

function file(name: string, content: string): string {
  const path = join(dir, name);
  writeFileSync(path, content);
  return path;
}

/** One token a character; 0 and 1 are special, and the tokenizer knows fewer ids than the model. */
const tokenizer = {
  size: 50,
  specialIds: new Set([0, 1]),
  encode: (text: string) => [1, ...Array.from(text, (c) => 2 + (c.charCodeAt(0) % 48))],
} as unknown as Tokenizer;
const model = { tokenizer, vocabSize: 64 };

describe('files of prompts', () => {
  test('a text file holds one prompt a line; blank lines are none', async () => {
    const path = file('a.txt', 'one\n\ntwo words\r\n   \nthree');
    expect(await loadPrompts(path)).toEqual([
      { text: 'one' },
      { text: 'two words' },
      { text: 'three' },
    ]);
  });

  test('rows hold text, prompt or token ids', async () => {
    const path = file('a.jsonl', '{"text":"a"}\n{"prompt":"b"}\n\n{"input_ids":[3,4]}\n');
    expect(await loadPrompts(path)).toEqual([{ text: 'a' }, { text: 'b' }, { ids: [3, 4] }]);
  });

  test.each([
    ['empty.txt', '', /there is no prompt in it/],
    ['blank.txt', ' \n\n', /there is no prompt in it/],
    ['empty.jsonl', '\n', /there is no prompt in it/],
    ['field.jsonl', '{"question":"a"}', /field\.jsonl:1: no prompt in this row/],
    ['blank.jsonl', '{"text":"a"}\n{"text":" "}', /blank\.jsonl:2: the prompt is empty/],
    ['ids.jsonl', '{"input_ids":[1,-1]}', /ids\.jsonl:1: input_ids \[1\] is -1/],
    ['none.jsonl', '{"input_ids":[]}', /none\.jsonl:1: input_ids is empty/],
    ['torn.jsonl', '{"text":', /torn\.jsonl:1: not JSON/],
  ])('%s is refused with its place', async (name, content, says) => {
    const refusal = loadPrompts(file(name, content));
    await expect(refusal).rejects.toThrow(FormatError);
    await expect(refusal).rejects.toThrow(says);
    await refusal.catch((error: FormatError) => expect(error.hint).toBeTruthy());
  });

  test('a file that is not there', async () => {
    await expect(loadPrompts(join(dir, 'gone.txt'))).rejects.toThrow(/does not exist/);
  });
});

describe('prompts that are chosen', () => {
  const options = { count: 3, seed: 42 };

  test('texts get the tokenizer’s special tokens, ids are taken as they are', () => {
    const prompts = [{ text: 'ab' }, { ids: [7, 8, 9, 10] }, { text: 'abcdef' }];
    const { prompts: chosen, findings } = choosePrompts({ path: 'p', prompts }, model, options);
    const byLength = [...chosen].sort((a, b) => a.length - b.length);
    expect(byLength[0]).toEqual(tokenizer.encode('ab', { special: true }));
    expect(byLength[1]).toEqual([7, 8, 9, 10]);
    expect(findings).toMatchObject([{ code: 'prompt-lengths', severity: 'info' }]);
  });

  test('ids that the model lacks, and texts without a tokenizer', () => {
    const foreign = { path: 'p', prompts: [{ ids: [64] }] };
    expect(() => choosePrompts(foreign, model, options)).toThrow(/holds token 64/);
    const text = { path: 'p', prompts: [{ text: 'a' }] };
    const bare = { tokenizer: null, vocabSize: 64 };
    expect(() => choosePrompts(text, bare, options)).toThrow(/no tokenizer/);
  });

  test('prompts that leave no room for what is to follow', () => {
    const chosen = { prompts: [[1, 2, 3], [1]], findings: [] };
    checkContext(chosen, { newTokens: 6, maxPositions: 8 });
    const refused = () => checkContext(chosen, { newTokens: 7, maxPositions: 8 });
    expect(refused).toThrow(/up to 3 tokens \+ 7 new tokens exceed the 8 positions/);
  });
});

describe('prompts that are drawn', () => {
  test('no special ids, none that the tokenizer does not know', () => {
    const prompts = syntheticPrompts(model, { count: 200, tokens: 20, seed: 1 });
    const ids = new Set(prompts.flat());
    expect(Math.min(...ids)).toBe(2);
    expect(Math.max(...ids)).toBe(49);
    expect(ids.size).toBe(48);
    for (const prompt of prompts) expect(prompt).toHaveLength(20);
  });

  test('the seed decides', async () => {
    const settings = { prompt_count: 4, prompt_tokens: 8 };
    const draw = async (seed: number) => (await benchPrompts(settings, model, seed)).prompts;
    expect(await draw(42)).toEqual(await draw(42));
    expect(await draw(42)).not.toEqual(await draw(43));
  });
});
