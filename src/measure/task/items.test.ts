import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { FormatError } from '../../record/errors.ts';
import { type ChoiceItem, parseTask } from './items.ts';

const parse = (...rows: (object | string)[]) =>
  parseTask(
    rows.map((row) => (typeof row === 'string' ? row : JSON.stringify(row))).join('\n'),
    'task.jsonl',
  );

function refusal(...rows: (object | string)[]): FormatError {
  try {
    parse(...rows);
  } catch (error) {
    expect(error).toBeInstanceOf(FormatError);
    return error as FormatError;
  }
  throw new Error('was not refused');
}

describe('a labelled file', () => {
  test('rows have text and label; more keys are ignored; labels stand in order of appearance', () => {
    const rows =
      '{"text":"a","label":"b","id":7}\r\n\n{"text":"","label":"a"}\n{"text":"","label":"b"}';
    expect(parseTask(rows, 'task.jsonl')).toEqual({
      kind: 'labels',
      items: [
        { line: 1, text: 'a', label: 'b' },
        { line: 3, text: '', label: 'a' },
        { line: 4, text: '', label: 'b' },
      ],
      labels: ['b', 'a'],
    });
  });

  test('token ids may stand for a text', () => {
    expect(parse({ input_ids: [1, 2], label: 'b' }).items).toEqual([
      { line: 1, text: '', label: 'b', ids: [1, 2] },
    ]);
  });

  test('choices have an answer by index or by text', () => {
    const choices = ['no', 'yes'];
    const set = parse(
      { context: 'q', choices, answer: 1 },
      { context: 'q', choices, answer: 'no' },
      { context: '', choices: ['0', '1', '2'], answer: '2' },
    );
    expect(set.kind).toBe('choices');
    expect(set.items.map((item) => item.label)).toEqual(['yes', 'no', '2']);
  });
});

describe('what is refused, with its line', () => {
  test.each<[string, (object | string)[], string]>([
    ['no label', [{ text: 'a', label: 'b' }, { text: 'a' }], ':2: a row needs "text"'],
    ['an empty label', [{ text: 'a', label: ' ' }], ':1: a row needs'],
    ['a label that is a number', [{ text: 'a', label: 1 }], ':1: a row needs'],
    ['ids and text', [{ text: 'a', input_ids: [1], label: 'x' }], ':1: a row needs'],
    ['ids that are none', [{ input_ids: [1.5], label: 'x' }], ':1: a row needs'],
    ['nothing', [''], 'the labelled set is empty'],
    ['no JSON', ['{'], ':1: not JSON'],
    ['a list', ['[]'], ':1: a row must be a JSON object'],
    ['no choices', [{ context: 'a', answer: 0 }], ':1: "choices" must be a list'],
    ['empty choices', [{ context: 'a', choices: [], answer: 0 }], ':1: "choices" has 0'],
    ['one choice', [{ context: 'a', choices: ['x'], answer: 0 }], ':1: "choices" has 1'],
    ['an empty choice', [{ context: 'a', choices: ['x', ''], answer: 0 }], ':1: choice 1 is empty'],
    [
      'twice the same choice',
      [{ context: 'a', choices: ['x', 'y', 'x'], answer: 0 }],
      ':1: choices 0 and 2 are the same: "x"',
    ],
    [
      'an answer out of range',
      [{ context: 'a', choices: ['x', 'y'], answer: 2 }],
      ':1: "answer" must be an index 0 … 1 or one of the choices, got 2',
    ],
    ['a broken index', [{ context: 'a', choices: ['x', 'y'], answer: 0.5 }], 'got 0.5'],
    ['no answer', [{ context: 'a', choices: ['x', 'y'] }], 'got none'],
    ['both shapes in a row', [{ text: 'a', choices: ['x', 'y'] }], ':1: a row has "text" and'],
    [
      'two shapes in a file',
      [
        { text: 'a', label: 'b' },
        { context: 'a', choices: ['x', 'y'], answer: 0 },
      ],
      ':2: "context", "choices" and "answer" here, "text" and "label" in line 1',
    ],
    [
      'labels that spaces tell apart',
      [
        { text: 'a', label: 'b' },
        { text: 'a', label: 'b ' },
      ],
      ':2: the label "b " is "b" but for spaces',
    ],
  ])('%s', (_, rows, says) => {
    expect(refusal(...rows).message).toContain(says);
  });

  test('every problem at once, in the order of lines, the first ten of many', () => {
    const { message } = refusal({ text: 'a' }, '{', { text: 'a', label: 'b' }, { label: 'b' });
    expect(message.split('\n').map((line) => line.split(':')[1])).toEqual(['1', '2', '4']);
    const many = refusal(...Array.from({ length: 30 }, () => '{')).message.split('\n');
    expect(many).toHaveLength(11);
    expect(many.at(-1)).toBe('… and 20 more problems');
  });
});

test('any text is either items that are what the rows say, or a FormatError', () => {
  const value = fc.oneof(fc.string(), fc.integer(), fc.constant(null), fc.array(fc.string()));
  const key = fc.constantFrom('text', 'label', 'context', 'choices', 'answer', 'input_ids');
  const row = fc.dictionary(key, value).map((each) => JSON.stringify(each));
  fc.assert(
    fc.property(fc.array(fc.oneof(row, fc.string()), { maxLength: 6 }), (rows) => {
      try {
        const set = parseTask(rows.join('\n'), 'task.jsonl');
        for (const item of set.items) {
          const known = set.kind === 'labels' ? set.labels : (item as ChoiceItem).choices;
          expect(known).toContain(item.label);
        }
      } catch (error) {
        expect(error).toBeInstanceOf(FormatError);
      }
    }),
  );
});
