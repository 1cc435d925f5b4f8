import fc from 'fast-check';
import { expect, test } from 'vitest';
import { readAnswer } from './answer.ts';
import { fill } from './template.ts';

const labels = ['pay', 'payment', 'track order'];
const read = (generated: string, continuation: string, label = 'pay') =>
  readAnswer(generated, { text: 'q', label, labels, continuation });

test('up to the end mark, white space trimmed, the text is a label or none', () => {
  const line = ' {label}\n';
  expect(read(' pay\nrequest', line)).toEqual({ predicted: 'pay', correct: true });
  expect(read('\tpay  \n', line)).toEqual({ predicted: 'pay', correct: true });
  expect(read(' payment\n', line)).toEqual({ predicted: 'payment', correct: false });
  expect(read(' track order', line)).toEqual({ predicted: 'track order', correct: false });
  expect(read(' Pay\n', line)).toEqual({ predicted: null, correct: false });
  expect(read(' payments\n', line)).toEqual({ predicted: null, correct: false });
  expect(read('', line)).toEqual({ predicted: null, correct: false });
});

test('without an end mark a text that begins with a label is that label, the longest that fits', () => {
  expect(read(' payments are', ' {label}', 'track order')).toMatchObject({ predicted: 'payment' });
  expect(read(' payments are', ' {label}', 'pay')).toEqual({ predicted: 'pay', correct: true });
  expect(read(' repay', ' {label}')).toEqual({ predicted: null, correct: false });
});

test('what the continuation has around the label belongs to the answer', () => {
  expect(read(' is "pay".', ' is "{label}".')).toMatchObject({ correct: true });
  expect(read(' pay.', ' is "{label}".')).toEqual({ predicted: null, correct: false });
  expect(read('\npay\n', '\n{label}\n')).toMatchObject({ correct: true });
});

/**
 * The shortcut of `generation`: where every token of the right continuation is the argmax, greedy
 * decoding writes it and nothing needs to be generated. It holds only if a text that begins with
 * the right continuation is always read as the right answer.
 */
test('whatever begins with the right continuation is right', () => {
  const word = fc.stringMatching(/^[a-z]([a-z ]{0,6}[a-z])?$/);
  const around = fc.constantFrom('', ' ', '\n', ': ', '" ', '.');
  fc.assert(
    fc.property(
      fc.uniqueArray(word, { minLength: 1 }),
      around,
      around,
      fc.string(),
      (all, ...of) => {
        const [before, after, more] = of;
        const continuation = `${before}{label}${after}`;
        const label = all[0] as string;
        const written = fill(continuation, { text: '', label }) + more;
        const item = { text: '', label, labels: all, continuation };
        expect(readAnswer(written, item)).toEqual({ predicted: label, correct: true });
      },
    ),
  );
});
