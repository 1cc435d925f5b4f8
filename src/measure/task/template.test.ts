import { describe, expect, test } from 'vitest';
import { FormatError, LimitError } from '../../record/errors.ts';
import { encodeItem, endMark, fill, holdsLabel, type Template } from './template.ts';

const BOS = 1;

const idsOf = (text: string): number[] => [...text].map((c) => c.charCodeAt(0));

/** Greedy over single characters and the given pieces, with BOS: merges wherever a piece fits. */
function characterEncoder(pieces: readonly string[] = []): Template['encode'] {
  const longest = pieces.toSorted((a, b) => b.length - a.length);
  return (text, special) => {
    const ids = special ? [BOS] : [];
    for (let at = 0; at < text.length; ) {
      const piece = longest.find((p) => text.startsWith(p, at)) ?? text[at]!;
      ids.push(piece.length > 1 ? 1_000 + pieces.indexOf(piece) : piece.charCodeAt(0));
      at += piece.length;
    }
    return ids;
  };
}

function encode(
  item: { text: string; label: string },
  changes: Partial<Template> = {},
): ReturnType<typeof encodeItem> {
  return encodeItem(
    { ...item, line: 3 },
    {
      path: 'intents.jsonl',
      prompt: '{text}?',
      continuation: ' {label}',
      encode: characterEncoder(),
      maxPositions: 64,
      ...changes,
    },
  );
}

describe('prompt and label', () => {
  test('all of the label and nothing of the prompt is scored', () => {
    const { ids, scoreFrom, clean } = encode({ text: 'play', label: 'music' });
    expect(ids).toEqual([BOS, ...idsOf('play? music')]);
    expect(ids.slice(scoreFrom)).toEqual(idsOf(' music'));
    expect(clean).toBe(true);
  });

  test('a text that holds {label} is taken as it is: the answer does not leak', () => {
    const { ids } = encode({ text: 'say {label} or {text} $& $1', label: 'yes' });
    expect(ids).toEqual([BOS, ...idsOf('say {label} or {text} $& $1? yes')]);
  });

  test('several placeholders are all replaced, by either of their names', () => {
    const fields = { text: 'a', label: 'b' };
    expect(fill('{text}{context}:{label}{choice}', fields)).toBe('aa:bb');
  });

  test('where the tokenizer merges across the boundary the two are encoded apart', () => {
    const found = encode({ text: 'play', label: 'music' }, { encode: characterEncoder(['? m']) });
    // The merged piece would hold the end of the prompt and the beginning of the label.
    expect(found.ids).toEqual([BOS, ...idsOf('play? music')]);
    expect(found.ids.slice(found.scoreFrom)).toEqual(idsOf(' music'));
    expect(found.clean).toBe(false);
  });
});

test('what stands behind the last label marks where an answer ends', () => {
  expect(endMark(' {label}\n')).toBe('\n');
  expect(endMark('{label}, so {choice}.')).toBe('.');
  expect(endMark(' {label}')).toBe('');
  expect(['{choice}', '{label}', '{text}', ''].map(holdsLabel)).toEqual([true, true, false, false]);
});

describe('what is refused', () => {
  test('an item that is longer than the model’s context', () => {
    const work = () => encode({ text: 'x'.repeat(70), label: 'y' });
    expect(work).toThrow(LimitError);
    expect(work).toThrow('intents.jsonl:3: an item of 74 tokens, the model takes 64');
  });

  test('a continuation without tokens: every item would be correct of nothing', () => {
    const work = () => encode({ text: 'a', label: 'b' }, { continuation: '' });
    expect(work).toThrow(FormatError);
    expect(work).toThrow('intents.jsonl:3: the continuation has no tokens to score');
  });

  test('an empty prompt without BOS: the first token of the label would go unscored', () => {
    const bare: Template['encode'] = (text) => idsOf(text);
    const work = () => encode({ text: '', label: 'b' }, { prompt: '{text}', encode: bare });
    expect(work).toThrow(':3: the prompt has no tokens');
  });
});
