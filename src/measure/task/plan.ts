/** Labelled sets: does the model give the right label? By one of three methods. */
import { FormatError, UsageError } from '../../record/errors.ts';
import { planGeneration } from './generation.ts';
import { checkRows, planHead } from './head.ts';
import type { TaskSet } from './items.ts';
import { planLikelihood } from './likelihood.ts';
import type { TaskPlan } from './task-plan.ts';
import { holdsLabel, holdsText, type Template } from './template.ts';

export const TASK_METHODS = ['generation', 'likelihood', 'head'] as const;
export type TaskMethod = (typeof TASK_METHODS)[number];

export interface TaskPlanOptions extends Template {
  readonly method: TaskMethod;
  readonly set: TaskSet;
  readonly batchTokens: number;
  readonly decode: (ids: readonly number[]) => string;
  readonly eosId: number | null;
  /** Of the model's classification head; null where it has none. */
  readonly headLabels: readonly string[] | null;
  readonly vocabSize: number;
}

/** The candidates of every item; empty where each item has its own. */
export function labelsOf({
  method,
  set,
  headLabels,
}: Pick<TaskFit, 'method' | 'set' | 'headLabels'>): readonly string[] {
  if (set.kind === 'choices') return [];
  return method === 'head' ? (headLabels ?? []) : set.labels;
}

export function planTask(options: TaskPlanOptions): TaskPlan {
  const { set, method } = options;
  checkTask(options);
  if (method === 'likelihood') return planLikelihood(options);
  if (set.kind === 'choices') throw new TypeError('checkTask lets choices through by likelihood');
  const { items } = set;
  const labels = labelsOf(options);
  return method === 'head'
    ? planHead({ ...options, items, labels })
    : planGeneration({ ...options, items, labels });
}

type TaskFit = Pick<
  TaskPlanOptions,
  'method' | 'set' | 'headLabels' | 'vocabSize' | 'path' | 'prompt' | 'continuation'
>;

const TEMPLATE_HINT =
  'the defaults are "{text}" and " {label}"; {context} and {choice} say the same';

/** The method of a set and a model where none is asked for. */
export function defaultMethod({
  set,
  headLabels,
}: Pick<TaskFit, 'set' | 'headLabels'>): TaskMethod {
  if (set.kind === 'choices') return 'likelihood';
  return headLabels === null ? 'generation' : 'head';
}

/** Throws UsageError where method, set and model do not go together, FormatError for its rows. */
export function checkTask(task: TaskFit): void {
  const { method, set, headLabels, path, prompt, continuation } = task;
  if (method === 'head') {
    if (headLabels === null) {
      throw new UsageError('method head: the model has no classification head', {
        hint: 'choose the method likelihood or generation',
      });
    }
    if (set.kind === 'choices') {
      throw new UsageError(`method head: the rows of ${path} have choices, a head has labels`, {
        hint: 'give rows with "text" and "label"',
      });
    }
    const problems = set.items.every((item) => item.ids) ? [] : promptProblems(prompt);
    if (problems.length > 0) throw new UsageError(problems, { hint: TEMPLATE_HINT });
    checkRows(set.items, { ...task, labels: headLabels });
    return;
  }
  if (headLabels !== null) {
    throw new UsageError(`method ${method}: the model is a classifier, it continues no text`, {
      hint: 'choose the method head',
    });
  }
  if (set.kind === 'choices' && method === 'generation') {
    throw new UsageError(`method generation: the rows of ${path} have choices`, {
      hint: 'choose the method likelihood: it tells which choice is the most likely',
    });
  }
  const problems = promptProblems(prompt);
  if (!holdsLabel(continuation)) {
    problems.push('the continuation is what is scored: it must hold {label}');
  }
  if (problems.length > 0) throw new UsageError(problems, { hint: TEMPLATE_HINT });
  const ids = set.kind === 'labels' ? set.items.find((item) => item.ids) : undefined;
  if (!ids) return;
  throw new FormatError(`${path}:${ids.line}: method ${method} needs "text", not "input_ids"`, {
    hint: 'a prompt is made of text; token ids are for a classification head',
    details: { path, line: ids.line },
  });
}

/** A prompt without its place would ask all items the same; one with the label tells the answer. */
function promptProblems(prompt: string): string[] {
  const problems: string[] = [];
  if (!holdsText(prompt)) problems.push('the prompt asks every item the same: it must hold {text}');
  if (holdsLabel(prompt)) problems.push('the prompt tells the answer: it must not hold {label}');
  return problems;
}
