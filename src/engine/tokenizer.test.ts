import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { FormatError } from '../record/errors.ts';
import { loadTokenizer } from './tokenizer.ts';

/** Words and bytes: `é` is not in the vocabulary and becomes two byte tokens. */
const vocab: Record<string, number> = { '<unk>': 0, '<s>': 1, '</s>': 2 };
for (let byte = 0; byte < 256; byte++) {
  vocab[`<0x${byte.toString(16).toUpperCase().padStart(2, '0')}>`] = 3 + byte;
}
for (const piece of ['▁', 'h', 'i', '▁h', '▁hi']) vocab[piece] = Object.keys(vocab).length;
const special = (id: number, content: string) => ({
  id,
  content,
  special: true,
  single_word: false,
  lstrip: false,
  rstrip: false,
  normalized: false,
});
const TOKENIZER = {
  version: '1.0',
  added_tokens: [special(0, '<unk>'), special(1, '<s>'), special(2, '</s>')],
  normalizer: {
    type: 'Sequence',
    normalizers: [
      { type: 'Prepend', prepend: '▁' },
      { type: 'Replace', pattern: { String: ' ' }, content: '▁' },
    ],
  },
  pre_tokenizer: null,
  post_processor: null,
  decoder: {
    type: 'Sequence',
    decoders: [
      { type: 'Replace', pattern: { String: '▁' }, content: ' ' },
      { type: 'ByteFallback' },
      { type: 'Fuse' },
      { type: 'Strip', content: ' ', start: 1, stop: 0 },
    ],
  },
  model: {
    type: 'BPE',
    unk_token: '<unk>',
    fuse_unk: true,
    byte_fallback: true,
    vocab,
    merges: ['▁ h', '▁h i'],
  },
};
const CONFIG = {
  tokenizer_class: 'LlamaTokenizer',
  bos_token: { content: '<s>' },
  eos_token: '</s>',
  add_bos_token: true,
};
const SIZE = Object.keys(vocab).length;

describe('tokenizer', () => {
  let dir: string;
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'assay-tokenizer-test-'));
  });
  afterEach(() => rmSync(dir, { recursive: true }));
  const write = (name: string, value: unknown): void => {
    const text = typeof value === 'string' ? value : JSON.stringify(value);
    writeFileSync(join(dir, name), text);
  };
  const writeBoth = (config: object = CONFIG): void => {
    write('tokenizer.json', TOKENIZER);
    write('tokenizer_config.json', config);
  };

  test('encodes with and without special tokens, and decodes', async () => {
    writeBoth();
    const tokenizer = (await loadTokenizer(dir, SIZE))!;
    const plain = tokenizer.encode('hi hi', { special: false });
    expect(plain).toEqual([vocab['▁hi'], vocab['▁hi']]);
    expect(tokenizer.encode('hi hi', { special: true })).toEqual([1, ...plain]);
    expect(tokenizer.decode([1, ...plain, 2])).toBe('hi hi');
    expect(tokenizer).toMatchObject({ size: SIZE, bosId: 1, eosId: 2, findings: [] });
    expect([...tokenizer.specialIds]).toEqual([0, 1, 2]);
  });

  test('streams bytes of a character as one piece', async () => {
    writeBoth();
    const tokenizer = (await loadTokenizer(dir, SIZE))!;
    const ids = tokenizer.encode('hi é', { special: false });
    const stream = tokenizer.stream();
    const pieces = [...ids.map((id) => stream.push(id)), stream.end()];
    expect(pieces.join('')).toBe('hi é');
    expect(pieces.filter((piece) => piece.includes('é'))).toEqual(['é']);
  });

  test('none there is null; a torn or foreign one is a FormatError', async () => {
    expect(await loadTokenizer(dir, SIZE)).toBeNull();
    expect(await loadTokenizer(null, SIZE)).toBeNull();
    write('tokenizer.json', '{"model": {');
    await expect(loadTokenizer(dir, SIZE)).rejects.toThrow(/cannot be read as JSON/);
    write('tokenizer.json', { model: { type: 'Nonsense' } });
    await expect(loadTokenizer(dir, SIZE)).rejects.toThrow(FormatError);
  });

  test('ids beyond the model are an error, a far smaller tokenizer is a finding', async () => {
    writeBoth();
    await expect(loadTokenizer(dir, SIZE - 1)).rejects.toThrow(/model knows/);
    const small = (await loadTokenizer(dir, SIZE * 2))!;
    expect(small.findings).toMatchObject([{ code: 'small-tokenizer', severity: 'warning' }]);
  });

  test('renders its chat template, wherever that is written', async () => {
    const template =
      '{{ bos_token }}{% for m in messages %}[{{ m.role }}] {{ m.content }}{% endfor %}';
    const messages = [{ role: 'user', content: 'hi' }];
    const named = [
      { name: 'tools', template: 'x' },
      { name: 'default', template },
    ];
    for (const chat_template of [template, named]) {
      writeBoth({ ...CONFIG, chat_template });
      expect(await (await loadTokenizer(dir, SIZE))!.chat(messages)).toBe('<s>[user] hi');
    }
    write('chat_template.jinja', '{{ raise_exception("no such role") }}');
    const strict = (await loadTokenizer(dir, SIZE))!;
    await expect(strict.chat(messages)).rejects.toThrow(/no such role/);
  });

  test('says when there is no template, or none named default', async () => {
    writeBoth();
    const tokenizer = (await loadTokenizer(dir, SIZE))!;
    expect(tokenizer.hasChatTemplate).toBe(false);
    await expect(tokenizer.chat([])).rejects.toThrow(/no chat template/);
    writeBoth({ ...CONFIG, chat_template: [{ name: 'rag', template: 'x' }] });
    await expect(loadTokenizer(dir, SIZE)).rejects.toThrow(/"default"/);
  });
});
