/** Prompt and continuation as token ids: what is scored begins where the prompt ends. */

import type { TokenWindow } from '../../engine/engine.ts';
import { FormatError, LimitError } from '../../record/errors.ts';
import type { Finding } from '../../record/schema.ts';

export interface Template {
  /** Of the labelled set, for messages. */
  readonly path: string;
  /** `{text}` or `{context}`, `{label}` or `{choice}` are replaced. */
  readonly prompt: string;
  /** What gets scored; holds the label. */
  readonly continuation: string;
  readonly encode: (text: string, special: boolean) => number[];
  readonly maxPositions: number;
}

interface Fields {
  readonly text: string;
  readonly label: string;
}

const PLACES = /\{(text|context|label|choice)\}/g;
const TEXT = /\{(?:text|context)\}/g;
const LABEL = /\{(?:label|choice)\}/g;

/** Inserted as they are: braces and `$` in a text mean nothing. */
export function fill(template: string, { text, label }: Fields): string {
  return template.replace(PLACES, (_, key: string) =>
    key === 'text' || key === 'context' ? text : label,
  );
}

export function holdsText(template: string): boolean {
  return template.search(TEXT) >= 0;
}

export function holdsLabel(template: string): boolean {
  return template.search(LABEL) >= 0;
}

/** What the continuation has behind its last label: it marks where an answer ends. */
export function endMark(continuation: string): string {
  const last = [...continuation.matchAll(LABEL)].at(-1);
  return last ? continuation.slice(last.index + last[0].length) : '';
}

export interface EncodedItem extends TokenWindow {
  /** Whether the tokens of the prompt are a prefix of those of prompt and continuation. */
  readonly clean: boolean;
}

/** Throws FormatError for what cannot be scored, LimitError for what is longer than the model. */
export function encodeItem(fields: Fields & { line: number }, template: Template): EncodedItem {
  const { encode } = template;
  const before = fill(template.prompt, fields);
  const after = fill(template.continuation, fields);
  const head = encode(before, true);
  const whole = encode(before + after, true);
  const clean = whole.length > head.length && head.every((id, i) => whole[i] === id);
  // A tokenizer may merge across the boundary; the label must still be scored from its first
  // character, so the two parts are then encoded apart.
  const ids = clean ? whole : [...head, ...encode(after, false)];
  checkScorable(fields.line, { head: head.length, whole: ids.length }, template);
  checkLength(ids, fields.line, template);
  return { ids, scoreFrom: head.length, clean };
}

export function checkLength(
  ids: readonly number[],
  line: number,
  { path, maxPositions }: Pick<Template, 'path' | 'maxPositions'>,
): void {
  if (ids.length <= maxPositions) return;
  throw new LimitError(
    `${path}:${line}: an item of ${ids.length} tokens, the model takes ${maxPositions}`,
    { hint: 'shorten the text or choose a model with a longer context', details: { path, line } },
  );
}

/** A label without tokens would be “correct” of nothing; one without context has no probability. */
function checkScorable(
  line: number,
  tokens: { head: number; whole: number },
  { path, prompt, continuation }: Template,
): void {
  if (tokens.head === 0) {
    throw new FormatError(`${path}:${line}: the prompt has no tokens`, {
      hint: 'the first token of a label needs context: write a prompt, or leave no text empty',
      details: { path, line, prompt },
    });
  }
  if (tokens.whole === tokens.head) {
    throw new FormatError(`${path}:${line}: the continuation has no tokens to score`, {
      hint: 'the continuation is what is scored: it should hold {label}',
      details: { path, line, continuation },
    });
  }
}

export function boundaryFindings(split: number, n: number): Finding[] {
  if (split === 0) return [];
  const message =
    `in ${split} of ${n} items the tokenizer merges across the end of the prompt; prompt and ` +
    'label were encoded apart there';
  return [{ code: 'token-boundary', severity: 'info', message }];
}
