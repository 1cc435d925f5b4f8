/** By a classification head: the label with the largest logit (the first of a tie). */
import type { Engine, WithClassification } from '../../engine/engine.ts';
import { EngineError, FormatError } from '../../record/errors.ts';
import type { ItemRow } from '../../record/rows.ts';
import { packBatches } from '../batches.ts';
import { type Pass, timed } from '../scoring.ts';
import type { LabelledItem } from './items.ts';
import { finite, firstLargest } from './likelihood.ts';
import type { TaskPlan } from './task-plan.ts';
import { checkLength, fill, type Template } from './template.ts';

export interface HeadOptions extends Omit<Template, 'continuation'> {
  readonly items: readonly LabelledItem[];
  /** Of the head, in the order of its logits. */
  readonly labels: readonly string[];
  readonly batchTokens: number;
}

const MOST_SHOWN = 10;

/** Throws FormatError for labels and tokens that the model does not have, all of them, by line. */
export function checkRows(
  items: readonly LabelledItem[],
  { path, labels, vocabSize }: { path: string; labels: readonly string[]; vocabSize: number },
): void {
  const known = new Set(labels);
  const bad = items.flatMap(({ line, label, ids = [] }) => {
    const strange = ids.find((id) => id >= vocabSize);
    const id = `the model has no token ${strange}, the last is ${vocabSize - 1}`;
    return [
      ...(known.has(label)
        ? []
        : [{ line, what: `the model has no label ${JSON.stringify(label)}` }]),
      ...(strange === undefined ? [] : [{ line, what: id }]),
    ];
  });
  if (bad.length === 0) return;
  const lines = bad.slice(0, MOST_SHOWN).map(({ line, what }) => `${path}:${line}: ${what}`);
  if (bad.length > MOST_SHOWN) lines.push(`… and ${bad.length - MOST_SHOWN} more`);
  const shown = labels.slice(0, MOST_SHOWN).join(', ') + (labels.length > MOST_SHOWN ? ', …' : '');
  throw new FormatError(lines.join('\n'), {
    hint: `labels are those of id2label in config.json: ${shown}`,
    details: { path, line: bad[0]?.line, problems: bad.length },
  });
}

export function planHead(options: HeadOptions): TaskPlan {
  const { items, prompt, path } = options;
  const rows = items.map((item) => {
    const ids = item.ids ?? options.encode(fill(prompt, item), true);
    if (ids.length === 0) {
      throw new FormatError(`${path}:${item.line}: the text has no tokens`, {
        hint: 'a classification needs at least one token: leave no text empty',
        details: { path, line: item.line },
      });
    }
    checkLength(ids, item.line, options);
    return ids;
  });
  const lengths = rows.map((ids) => ids.length);
  return {
    batches: packBatches(lengths, options.batchTokens),
    tokens: () => lengths.reduce((total, length) => total + length, 0),
    scoredTokens: items.length,
    findings: [],
    async pass(engine, members, { batch, signal }): Promise<Pass> {
      const fed = members.map((index) => rows[index] as readonly number[]);
      const head = classifierOf(engine);
      const [logits, ms] = await timed(() => head.classify(fed, signal));
      return {
        rows: members.map((index, i) => {
          const of = { item: items[index] as LabelledItem, labels: head.labels };
          return { kind: 'item', batch, item: index, ...answer(logits[i] as Float32Array, of) };
        }),
        tokens: fed.reduce((total, ids) => total + ids.length, 0),
        scored: members.length,
        ms,
        raw: logits,
      };
    },
  };
}

function classifierOf(engine: Engine): WithClassification {
  if ('classify' in engine) return engine as Engine & WithClassification;
  throw new EngineError('this engine has no classification head', {
    hint: 'choose the method likelihood or generation',
  });
}

function answer(
  logits: Float32Array,
  { item, labels }: { item: LabelledItem; labels: readonly string[] },
): Omit<ItemRow, 'kind' | 'batch' | 'item'> {
  const scores = Array.from(logits, finite);
  const { label } = item;
  if (scores.includes(null)) {
    return { label, predicted: null, correct: false, logp: null, tokens: 0, scores };
  }
  const values = scores as number[];
  const best = firstLargest(values);
  const top = values[best] as number;
  const sum = values.reduce((total, value) => total + Math.exp(value - top), 0);
  const logp = (values[labels.indexOf(label)] as number) - top - Math.log(sum);
  const predicted = labels[best] as string;
  return { label, predicted, correct: predicted === label, logp, tokens: 0, scores };
}
