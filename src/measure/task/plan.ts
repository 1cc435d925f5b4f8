/**
 * Labelled sets: does the model continue a prompt with the right label? One scoring pass decides
 * it: if every token of the label is the argmax given the tokens before it, greedy decoding would
 * have produced exactly this label.
 */
import type { ScoredWindow, TokenWindow } from '../../engine/engine.ts';
import { FormatError, LimitError } from '../../record/errors.ts';
import type { ItemRow } from '../../record/rows.ts';
import type { Finding } from '../../record/schema.ts';
import { packBatches } from '../batches.ts';
import { parseJsonl, readTextFile } from '../jsonl.ts';
import type { ScoringPlan } from '../scoring.ts';

export interface LabelledItem {
  readonly text: string;
  readonly label: string;
}

const LABELLED_HINT = 'one item a line: {"text": "what is asked", "label": "the right answer"}';

/** Rows with `text` and `label`. Throws FormatError naming the line. */
export async function loadItems(path: string): Promise<LabelledItem[]> {
  const rows = parseJsonl(await readTextFile(path), path);
  if (rows.length === 0) {
    throw new FormatError(`${path}: the labelled set is empty`, {
      hint: LABELLED_HINT,
      details: { path },
    });
  }
  return rows.map(({ line, value: { text, label } }) => {
    if (typeof text === 'string' && typeof label === 'string' && label !== '') {
      return { text, label };
    }
    throw new FormatError(`${path}:${line}: a row needs "text" and "label", both strings`, {
      hint: LABELLED_HINT,
      details: { path, line },
    });
  });
}

export interface TaskPlanOptions {
  readonly path: string;
  readonly items: readonly LabelledItem[];
  /** `{text}` and `{label}` are replaced; the continuation is what gets scored. */
  readonly prompt: string;
  readonly continuation: string;
  readonly encode: (text: string, special: boolean) => number[];
  readonly maxPositions: number;
  readonly batchTokens: number;
}

export interface TaskPlan extends ScoringPlan {
  readonly scoredTokens: number;
  readonly findings: readonly Finding[];
}

export function planTask(options: TaskPlanOptions): TaskPlan {
  const { items } = options;
  let split = 0;
  const windows = items.map((item, index): TokenWindow => {
    const { ids, scoreFrom, clean } = encodeItem(item, options);
    if (!clean) split++;
    checkScorable(index, { head: scoreFrom, whole: ids.length }, options);
    if (ids.length > options.maxPositions) {
      throw new LimitError(
        `${options.path}: item ${index} has ${ids.length} tokens, ` +
          `the model takes ${options.maxPositions}`,
        { hint: 'shorten the text or choose a model with a longer context' },
      );
    }
    return { ids, scoreFrom };
  });
  const lengths = windows.map((window) => window.ids.length);
  return {
    batches: packBatches(lengths, options.batchTokens),
    scoredTokens: windows.reduce((n, window) => n + window.ids.length - window.scoreFrom, 0),
    findings: split > 0 ? [boundaryFinding(split, items.length)] : [],
    windowAt: (index) => windows[index] as TokenWindow,
    rowOf: (index, batch, scored) => itemRow(items[index] as LabelledItem, index, batch, scored),
  };
}

function encodeItem(
  item: LabelledItem,
  { prompt, continuation, encode }: TaskPlanOptions,
): { ids: number[]; scoreFrom: number; clean: boolean } {
  const before = fill(prompt, item);
  const after = fill(continuation, item);
  const head = encode(before, true);
  const whole = encode(before + after, true);
  const clean = whole.length > head.length && head.every((id, i) => whole[i] === id);
  // A tokenizer may merge across the boundary; the label must still be scored from its first
  // character, so the two parts are then encoded apart.
  const ids = clean ? whole : [...head, ...encode(after, false)];
  return { ids, scoreFrom: head.length, clean };
}

/** A label without tokens would be “correct” of nothing; one without context has no probability. */
function checkScorable(
  index: number,
  tokens: { head: number; whole: number },
  { path, prompt, continuation }: TaskPlanOptions,
): void {
  if (tokens.head === 0) {
    throw new FormatError(`${path}: item ${index}: the prompt has no tokens`, {
      hint: 'the first token of a label needs context: write a prompt, or leave no text empty',
      details: { path, item: index, prompt },
    });
  }
  if (tokens.whole === tokens.head) {
    throw new FormatError(`${path}: item ${index}: the continuation has no tokens to score`, {
      hint: 'the continuation is what is scored: it should hold {label}',
      details: { path, item: index, continuation },
    });
  }
}

function fill(template: string, item: LabelledItem): string {
  return template.replace(/\{(text|label)\}/g, (_, key: 'text' | 'label') => item[key]);
}

function itemRow(item: LabelledItem, index: number, batch: number, scored: ScoredWindow): ItemRow {
  const logp = scored.logp.reduce((total, value) => total + value, 0);
  return {
    kind: 'item',
    batch,
    item: index,
    label: item.label,
    // argmax over NaN logits is arbitrary: such an item is not correct.
    correct: Number.isFinite(logp) && scored.hit.every((hit) => hit === 1),
    logp: Number.isFinite(logp) ? logp : null,
    tokens: scored.logp.length,
  };
}

function boundaryFinding(split: number, n: number): Finding {
  return {
    code: 'token-boundary',
    severity: 'info',
    message:
      `in ${split} of ${n} items the tokenizer merges across the end of the prompt; prompt and ` +
      'label were encoded apart there',
  };
}
