/** Labelled sets: rows in, checked items out. All problems of a file are told at once, by line. */
import { FormatError } from '../../record/errors.ts';
import { readJsonl, readTextFile } from '../jsonl.ts';

interface Item {
  /** Line of the file, from 1. */
  readonly line: number;
  /** What the model is asked; empty where the row has token ids. */
  readonly text: string;
  /** The right answer: a label, or the text of the right choice. */
  readonly label: string;
}

export interface LabelledItem extends Item {
  /** Instead of a text, for models without a tokenizer. */
  readonly ids?: readonly number[];
}

export interface ChoiceItem extends Item {
  /** Texts, all different; `label` is one of them. */
  readonly choices: readonly string[];
}

export type TaskSet =
  /** `labels`: all of the file, in the order in which they first appear. */
  | {
      readonly kind: 'labels';
      readonly items: readonly LabelledItem[];
      readonly labels: readonly string[];
    }
  | { readonly kind: 'choices'; readonly items: readonly ChoiceItem[] };

const HINT =
  'one item a line: {"text": "…", "label": "…"}, or ' +
  '{"context": "…", "choices": ["…", "…"], "answer": 0} in all lines';
const MOST_SHOWN = 10;
/** Beyond this a row is a slip of the pen: every choice is one more pass over the context. */
const MAX_CHOICES = 1_000;

type Read = LabelledItem | ChoiceItem | { readonly problem: string };

/** Throws FormatError with every problem as `file:line: problem`. */
export async function loadTask(path: string): Promise<TaskSet> {
  return parseTask(await readTextFile(path), path);
}

/** @see loadTask; `path` is for messages. */
export function parseTask(text: string, path: string): TaskSet {
  const items: (LabelledItem | ChoiceItem)[] = [];
  const problems: { line: number; problem: string }[] = [];
  for (const row of readJsonl(text)) {
    const read: Read = 'problem' in row ? row : itemOf(row.value, row.line);
    if ('problem' in read) problems.push({ line: row.line, problem: read.problem });
    else items.push(read);
  }
  const [first] = items;
  const mixed = items.find((item) => first && isChoice(item) !== isChoice(first));
  if (first && mixed) {
    const shapes = `${shapeOf(mixed)} here, ${shapeOf(first)} in line ${first.line}`;
    problems.push({ line: mixed.line, problem: `${shapes}: one file has one shape` });
  }
  if (first && !isChoice(first)) problems.push(...twins(items));
  if (problems.length > 0) throw refusal(problems, path);
  if (!first) {
    throw new FormatError(`${path}: the labelled set is empty`, { hint: HINT, details: { path } });
  }
  if (isChoice(first)) return { kind: 'choices', items: items as ChoiceItem[] };
  return { kind: 'labels', items, labels: [...new Set(items.map((item) => item.label))] };
}

/** Labels that white space alone tells apart could not be told apart in an answer. */
function twins(items: readonly Item[]): { line: number; problem: string }[] {
  const known = new Map<string, string>();
  return items.flatMap(({ line, label }) => {
    const first = known.get(label.trim()) ?? label;
    known.set(label.trim(), first);
    if (first === label) return [];
    const problem = `the label ${JSON.stringify(label)} is ${JSON.stringify(first)} but for spaces`;
    return [{ line, problem }];
  });
}

function refusal(problems: { line: number; problem: string }[], path: string): FormatError {
  const sorted = problems.toSorted((a, b) => a.line - b.line);
  const lines = sorted
    .slice(0, MOST_SHOWN)
    .map(({ line, problem }) => `${path}:${line}: ${problem}`);
  if (sorted.length > MOST_SHOWN) lines.push(`… and ${sorted.length - MOST_SHOWN} more problems`);
  const { line } = sorted[0] as { line: number };
  const details = { path, line, problems: sorted.length };
  return new FormatError(lines.join('\n'), { hint: HINT, details });
}

function isChoice(item: LabelledItem | ChoiceItem): item is ChoiceItem {
  return 'choices' in item;
}

function shapeOf(item: LabelledItem | ChoiceItem): string {
  return isChoice(item) ? '"context", "choices" and "answer"' : '"text" and "label"';
}

function itemOf(row: Readonly<Record<string, unknown>>, line: number): Read {
  const choice = 'context' in row || 'choices' in row || 'answer' in row;
  const label = 'text' in row || 'label' in row || 'input_ids' in row;
  if (choice && label) {
    return { problem: 'a row has "text" and "label", or "context", "choices" and "answer"' };
  }
  return choice ? choiceOf(row, line) : labelledOf(row, line);
}

function labelledOf(row: Readonly<Record<string, unknown>>, line: number): Read {
  const { text, label, input_ids: ids } = row;
  if (typeof label === 'string' && label.trim() !== '') {
    if (ids === undefined && typeof text === 'string') return { line, text, label };
    if (text === undefined && isIds(ids)) return { line, text: '', label, ids };
  }
  return {
    problem: 'a row needs "text" (or "input_ids") and "label", both strings, no empty label',
  };
}

function isIds(ids: unknown): ids is number[] {
  return Array.isArray(ids) && ids.length > 0 && ids.every((id) => Number.isInteger(id) && id >= 0);
}

function choiceOf(row: Readonly<Record<string, unknown>>, line: number): Read {
  const { context: text, choices, answer } = row;
  if (typeof text !== 'string') return { problem: '"context" must be a string' };
  if (!Array.isArray(choices) || !choices.every((each) => typeof each === 'string')) {
    return { problem: '"choices" must be a list of strings' };
  }
  if (choices.length < 2 || choices.length > MAX_CHOICES) {
    const bounds = `2 to ${MAX_CHOICES} are needed`;
    return { problem: `"choices" has ${choices.length}: ${bounds}` };
  }
  const empty = choices.indexOf('');
  if (empty >= 0) return { problem: `choice ${empty} is empty` };
  const again = choices.findIndex((each, i) => choices.indexOf(each) < i);
  if (again >= 0) {
    const first = choices.indexOf(choices[again]);
    return {
      problem: `choices ${first} and ${again} are the same: ${JSON.stringify(choices[again])}`,
    };
  }
  const label = typeof answer === 'number' ? choices[answer] : answer;
  if (typeof label === 'string' && choices.includes(label)) return { line, text, label, choices };
  const range = `an index 0 … ${choices.length - 1} or one of the choices`;
  return { problem: `"answer" must be ${range}, got ${JSON.stringify(answer) ?? 'none'}` };
}
