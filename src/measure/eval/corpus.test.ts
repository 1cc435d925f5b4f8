import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { FormatError } from '../../record/errors.ts';
import { parseJsonl } from '../jsonl.ts';
import { degenerateFinding, loadCorpus } from './corpus.ts';

let dir: string;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'assay-corpus-'));
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

function file(name: string, content: string | Uint8Array): string {
  const path = join(dir, name);
  writeFileSync(path, content);
  return path;
}

async function refusal(path: string): Promise<FormatError> {
  const error = await loadCorpus(path).catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(FormatError);
  return error as FormatError;
}

describe('a corpus file', () => {
  test('.txt is one document, line breaks and all', async () => {
    expect(await loadCorpus(file('a.txt', 'One.\r\n\nTwo.\n'))).toEqual([
      { text: 'One.\r\n\nTwo.\n' },
    ]);
  });

  test('.jsonl is one document a row: text or token ids', async () => {
    const path = file('a.jsonl', '{"text":"One."}\n{"input_ids":[1,2,3],"text":"ids win"}\n');
    expect(await loadCorpus(path)).toEqual([{ text: 'One.' }, { ids: [1, 2, 3] }]);
  });

  test('a byte-order mark, CRLF, blank lines and a missing last newline do not matter', async () => {
    const rows = '\uFEFF{"text":"One."}\r\n\r\n   \n{"text":"Two."}';
    expect(await loadCorpus(file('b.jsonl', rows))).toEqual([{ text: 'One.' }, { text: 'Two.' }]);
    expect(await loadCorpus(file('b.txt', '\uFEFFOne.'))).toEqual([{ text: 'One.' }]);
  });

  test('the name decides, in upper case too', async () => {
    expect(await loadCorpus(file('c.NDJSON', '{"text":"One."}'))).toEqual([{ text: 'One.' }]);
    expect(await loadCorpus(file('c.json', '{"text":"One."}'))).toEqual([
      { text: '{"text":"One."}' },
    ]);
  });
});

describe('a corpus file that is refused', () => {
  test.each([
    ['not JSON', '{"text":"One."}\n\n{"text":', ':3: not JSON'],
    ['a row that is no object', '{"text":"One."}\n[1,2]\n', ':2: a row must be a JSON object'],
    ['null', 'null\n', ':1: a row must be a JSON object'],
    ['a row without either key', '{"text":"a"}\n{"content":"x"}', ':2: a row needs "text"'],
    ['text that is no string', '{"text":7}', ':1: a row needs "text"'],
    ['a negative id', '{"input_ids":[5,-1]}', ':1: input_ids[1] is -1, not a token id'],
    ['half an id', '{"input_ids":[0.5]}', ':1: input_ids[0] is 0.5'],
    ['an id as text', '{"input_ids":[1,"2"]}', ':1: input_ids[1] is "2"'],
    ['null as an id', '{"input_ids":[null]}', ':1: input_ids[0] is null'],
  ])('%s: the message names the line', async (_, content, says) => {
    const path = file('bad.jsonl', content);
    expect((await refusal(path)).message).toContain(`${path}${says}`);
  });

  test('empty files, and files of blanks', async () => {
    for (const [name, content] of [
      ['e.txt', ''],
      ['w.txt', ' \n\t\n'],
      ['e.jsonl', '\n\n'],
      ['i.jsonl', '{"input_ids":[]}\n{"text":" "}'],
    ] as const) {
      const error = await refusal(file(name, content));
      expect(error.message).toContain('the corpus is empty');
      expect(error.hint).toContain('two tokens');
    }
  });

  test('missing, a folder, not UTF-8, a pointer instead of data', async () => {
    expect((await refusal(join(dir, 'none.txt'))).message).toContain('does not exist');
    expect((await refusal(dir)).message).toContain('is a folder');
    const latin1 = await refusal(file('latin1.txt', Uint8Array.of(0x63, 0x61, 0x66, 0xe9)));
    expect(latin1.message).toContain('not UTF-8');
    const pointer = 'version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 7\n';
    const lfs = await refusal(file('lfs.jsonl', pointer));
    expect(lfs.message).toContain('Git-LFS pointer');
    expect(lfs.hint).toContain('git lfs pull');
  });
});

test('rows come back with their lines, whatever blank lines and line ends are between them', () => {
  const rows = fc.array(fc.record({ text: fc.string() }), { maxLength: 20 });
  const ends = fc.array(fc.constantFrom('\n', '\r\n', '\n\n', '\n \r\n'), {
    minLength: 20,
    maxLength: 20,
  });
  fc.assert(
    fc.property(rows, ends, (values, between) => {
      const text = values.map((value, i) => JSON.stringify(value) + between[i]).join('');
      const parsed = parseJsonl(text, 'f');
      expect(parsed.map((row) => row.value)).toEqual(values);
      for (const { line, value } of parsed) {
        expect(text.split('\n')[line - 1]!.trim()).toBe(JSON.stringify(value));
      }
    }),
  );
});

/** Token ids as a text has them: few words often, most words rarely (Zipf). */
function naturalIds(length: number): number[] {
  let state = 12_345;
  return Array.from({ length }, () => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return Math.floor(2_000 ** (state / 2 ** 32));
  });
}

describe('a corpus that repeats itself', () => {
  const paragraph = naturalIds(120);

  test('one paragraph 100 times is found, and the numbers are told', () => {
    const repeated = Array.from({ length: 100 }, () => paragraph).flat();
    const finding = degenerateFinding([repeated]);
    expect(finding).toMatchObject({ code: 'degenerate-corpus', severity: 'warning' });
    // 12,000 tokens have 11,985 sequences of 16, of which 120 differ.
    expect(finding!.evidence).toEqual({ sequences: 11_985, distinct: 120, length: 16 });
    expect(finding!.message).toContain('(1.0 %)');
  });

  test('also when it is spread over documents', () => {
    expect(degenerateFinding(Array.from({ length: 100 }, () => paragraph))).not.toBeNull();
  });

  test('a text of the same length that does not repeat is not', () => {
    expect(degenerateFinding([naturalIds(12_000)])).toBeNull();
  });

  test('a phrase that comes back now and then is not', () => {
    const phrase = naturalIds(20);
    const text = Array.from({ length: 50 }, (_, i) => [
      ...phrase,
      ...naturalIds(5_000).slice(100 * i, 100 * i + 80),
    ]);
    expect(degenerateFinding([text.flat()])).toBeNull();
  });

  test('too short to tell is not', () => {
    expect(degenerateFinding([new Array<number>(200).fill(7)])).toBeNull();
    expect(degenerateFinding([])).toBeNull();
  });
});
