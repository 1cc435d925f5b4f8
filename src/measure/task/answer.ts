/**
 * Which label a generated text is. The normalisation is to trim white space, nothing else: case
 * and punctuation count. The text is read up to what the continuation has behind the label; where
 * it has nothing there, nothing says where an answer ends, and a text that begins with a label is
 * that label.
 */
import { endMark, fill } from './template.ts';

export interface Answer {
  /** One of the labels; null: none of them. */
  readonly predicted: string | null;
  readonly correct: boolean;
}

/** `label`: the right one, asked first; of others that fit, the longest says most. */
export function readAnswer(
  generated: string,
  of: {
    readonly text: string;
    readonly label: string;
    readonly labels: readonly string[];
    readonly continuation: string;
  },
): Answer {
  const mark = endMark(of.continuation);
  const open = of.continuation.slice(0, of.continuation.length - mark.length);
  const text = generated.trimStart();
  const lengthOf = (label: string): number => {
    const target = fill(open, { text: of.text, label }).trim();
    return fits(text, target, mark) ? target.length : -1;
  };
  if (lengthOf(of.label) >= 0) return { predicted: of.label, correct: true };
  let best = -1;
  let predicted: string | null = null;
  for (const label of of.labels) {
    const length = lengthOf(label);
    if (length > best) [best, predicted] = [length, label];
  }
  return { predicted, correct: false };
}

function fits(text: string, target: string, mark: string): boolean {
  if (mark === '') return text.startsWith(target);
  if (text.startsWith(target + mark)) return true;
  const end = text.indexOf(mark);
  return (end < 0 ? text : text.slice(0, end)).trim() === target;
}
