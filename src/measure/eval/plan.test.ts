import { describe, expect, test } from 'vitest';
import { FormatError } from '../../record/errors.ts';
import type { Document } from './corpus.ts';
import { BUDGETS, type EvalPlan, type EvalPlanOptions, planEval } from './plan.ts';

/** One id a character, below 128. */
const encode = (text: string): number[] => [...text].map((c) => c.charCodeAt(0));

function plan(documents: readonly Document[], changes: Partial<EvalPlanOptions> = {}): EvalPlan {
  return planEval({
    corpusPath: 'corpus.jsonl',
    documents,
    encode,
    decode: (ids) => String.fromCharCode(...ids),
    vocabSize: 128,
    budget: 'extended',
    batchTokens: 64,
    context: 8,
    stride: 4,
    ...changes,
  });
}

const codes = (found: EvalPlan): string[] => found.findings.map((finding) => finding.code);

test('windows hold the tokens of their document, in batches that hold every window once', () => {
  const ids = Array.from({ length: 20 }, (_, i) => i);
  const found = plan([{ ids }, { text: 'abc' }]);
  expect(found.scoredTokens).toBe(19 + 2);
  expect(found.windowIds(0)).toEqual({ ids: ids.slice(0, 8), scoreFrom: 1 });
  expect(found.windowIds(1)).toEqual({ ids: ids.slice(4, 12), scoreFrom: 4 });
  expect(found.windowIds(found.windows.length - 1).ids).toEqual([97, 98, 99]);
  expect(found.batches.flat().toSorted((a, b) => a - b)).toEqual(found.windows.map((_, i) => i));
});

test('the bytes of a text are told window by window, those of ids and without a decoder never', () => {
  const text = 'abcdefghijklmno';
  const found = plan([{ ids: [1, 2, 3] }, { text }]);
  const bytes = found.windows.map((_, i) => found.windowBytes(i));
  // The first character is context; then windows of 8 add 4 each, the last what is left.
  expect(bytes).toEqual([null, 7, 4, 3]);
  expect(plan([{ text }], { decode: null }).windowBytes(0)).toBeNull();
});

describe('the budget', () => {
  const long = { ids: Array.from({ length: 3_000 }, (_, i) => (i * i) % 128) };

  test('smoke scores exactly 2,000 tokens', () => {
    const found = plan([long, long], { budget: 'smoke' });
    expect(found.scoredTokens).toBe(BUDGETS.smoke);
    expect(codes(found)).not.toContain('corpus-smaller-than-budget');
  });

  test('no document behind the budget is tokenized', () => {
    let encoded = 0;
    const counting = (text: string): number[] => {
      encoded++;
      return encode(text.repeat(1_000));
    };
    plan(
      Array.from({ length: 9 }, () => ({ text: 'abc' })),
      { encode: counting, budget: 'smoke' },
    );
    expect(encoded).toBe(1);
  });

  test('a smaller corpus is scored whole, and that is said with the numbers', () => {
    const found = plan([{ text: 'abcde' }], { budget: 'standard' });
    expect(found.scoredTokens).toBe(4);
    expect(found.findings).toContainEqual({
      code: 'corpus-smaller-than-budget',
      severity: 'info',
      message:
        'the corpus holds 4 scorable tokens, budget standard asks for 500000: all were scored',
      evidence: { scored: 4, budget: 500_000 },
    });
  });
});

describe('what is refused', () => {
  const refusal = (work: () => unknown): FormatError => {
    try {
      work();
    } catch (error) {
      expect(error).toBeInstanceOf(FormatError);
      return error as FormatError;
    }
    throw new Error('nothing was refused');
  };

  test('an id that the model does not know, with its document', () => {
    const error = refusal(() => plan([{ text: 'ab' }, { ids: [1, 128] }]));
    expect(error.message).toContain('document 1 holds token 128');
    expect(error.hint).toContain('another tokenizer');
  });

  test('text without a tokenizer; ids need none', () => {
    expect(refusal(() => plan([{ text: 'ab' }], { encode: null })).message).toContain(
      'no tokenizer.json',
    );
    expect(plan([{ ids: [1, 2] }], { encode: null }).scoredTokens).toBe(1);
  });

  test('documents too short for a single score', () => {
    const error = refusal(() => plan([{ text: 'a' }, { ids: [] }]));
    expect(error.message).toContain('shorter than two tokens');
  });
});

test('short documents are counted, degenerate ones are found', () => {
  expect(plan([{ text: 'a' }, { text: 'abc' }]).findings[0]).toMatchObject({
    code: 'short-documents',
    message: '1 documents have fewer than two tokens and were not scored',
  });
  const found = plan([{ text: 'abcdefghij'.repeat(100) }]);
  expect(codes(found)).toContain('degenerate-corpus');
});
