/** From a corpus and a budget to micro-batches of windows. Validates everything before it runs. */
import type { TokenWindow } from '../../engine/engine.ts';
import { FormatError } from '../../record/errors.ts';
import type { Finding } from '../../record/schema.ts';
import { packBatches } from '../batches.ts';
import { type Document, degenerateFinding } from './corpus.ts';
import { bytesOfRanges, type TokenRange } from './scored-bytes.ts';
import { type PlannedWindow, planWindows, type WindowShape } from './windows.ts';

export const BUDGETS = { smoke: 2_000, standard: 500_000, extended: Number.POSITIVE_INFINITY };
export type Budget = keyof typeof BUDGETS;

export interface EvalPlanOptions extends WindowShape {
  readonly corpusPath: string;
  readonly documents: readonly Document[];
  /** null when the model has no tokenizer: only `ids` documents can then be scored. */
  readonly encode: ((text: string) => number[]) | null;
  /** The text of ids, special tokens left out; null as above. */
  readonly decode: ((ids: readonly number[]) => string) | null;
  readonly vocabSize: number;
  readonly budget: Budget;
  readonly batchTokens: number;
}

export interface EvalPlan {
  readonly windows: readonly PlannedWindow[];
  readonly batches: readonly (readonly number[])[];
  readonly scoredTokens: number;
  readonly findings: readonly Finding[];
  windowIds(index: number): TokenWindow;
  /** UTF-8 bytes that the window's scored tokens stand for; null where that is not known. */
  windowBytes(index: number): number | null;
}

export function planEval(options: EvalPlanOptions): EvalPlan {
  const budget = BUDGETS[options.budget];
  const findings: Finding[] = [];
  const tokens: number[][] = [];
  // Tokenizing is the slow part of planning: stop as soon as the budget is covered.
  let available = 0;
  for (const [index, document] of options.documents.entries()) {
    if (available >= budget) break;
    const ids = tokenize(document, index, options);
    tokens.push(ids);
    available += Math.max(0, ids.length - 1);
  }
  const lengths = tokens.map((ids) => ids.length);
  const { windows, scoredTokens } = planWindows(lengths, options, budget);
  if (scoredTokens === 0) {
    throw new FormatError(`${options.corpusPath}: shorter than two tokens, nothing can be scored`, {
      hint: 'the first token of a document is only context; give at least one longer document',
      details: { path: options.corpusPath, documents: tokens.length },
    });
  }
  findings.push(...corpusFindings(tokens, scoredTokens, budget, options));
  const sizes = windows.map((window) => window.end - window.begin);
  return {
    windows,
    batches: packBatches(sizes, options.batchTokens),
    scoredTokens,
    findings,
    windowIds(index) {
      const { document, begin, end, scoreFrom } = windows[index] as PlannedWindow;
      return { ids: (tokens[document] as number[]).slice(begin, end), scoreFrom };
    },
    windowBytes: windowBytes(windows, tokens, options),
  };
}

/** Decodes a document when its first window is asked for: planning alone does not pay for it. */
function windowBytes(
  windows: readonly PlannedWindow[],
  tokens: readonly number[][],
  { documents, decode }: EvalPlanOptions,
): (index: number) => number | null {
  const rangesOf = new Map<number, TokenRange[]>();
  for (const { document, begin, end, scoreFrom } of windows) {
    const ranges = rangesOf.get(document) ?? [];
    ranges.push({ from: begin + scoreFrom, to: end });
    rangesOf.set(document, ranges);
  }
  const known = new Map<number, number[] | null>();
  const bytesOf = (document: number): number[] | null => {
    const source = documents[document] as Document;
    if (!decode || !('text' in source)) return null;
    const ranges = rangesOf.get(document) as TokenRange[];
    return bytesOfRanges({ text: source.text, ids: tokens[document] as number[], decode }, ranges);
  };
  return (index) => {
    const { document, window } = windows[index] as PlannedWindow;
    if (!known.has(document)) known.set(document, bytesOf(document));
    return known.get(document)?.[window] ?? null;
  };
}

function tokenize(document: Document, index: number, options: EvalPlanOptions): number[] {
  if ('ids' in document) {
    const bad = document.ids.find((id) => id >= options.vocabSize);
    if (bad !== undefined) {
      throw new FormatError(
        `${options.corpusPath}: document ${index} holds token ${bad}, but the model knows only ` +
          `${options.vocabSize} tokens`,
        { hint: 'these ids come from another tokenizer', details: { document: index, id: bad } },
      );
    }
    return [...document.ids];
  }
  if (!options.encode) {
    throw new FormatError('the model has no tokenizer.json, and the corpus is text', {
      hint: 'put the tokenizer files beside the weights, or give rows with "input_ids"',
      details: { path: options.corpusPath, document: index },
    });
  }
  return options.encode(document.text);
}

function corpusFindings(
  tokens: readonly number[][],
  scored: number,
  budget: number,
  options: EvalPlanOptions,
): Finding[] {
  const findings: Finding[] = [];
  const degenerate = degenerateFinding(tokens);
  if (degenerate) findings.push(degenerate);
  const short = tokens.filter((ids) => ids.length < 2).length;
  if (short > 0) {
    findings.push({
      code: 'short-documents',
      severity: 'info',
      message: `${short} documents have fewer than two tokens and were not scored`,
    });
  }
  if (Number.isFinite(budget) && scored < budget) {
    findings.push({
      code: 'corpus-smaller-than-budget',
      severity: 'info',
      message:
        `the corpus holds ${scored} scorable tokens, budget ${options.budget} asks for ` +
        `${budget}: all were scored`,
      evidence: { scored, budget },
    });
  }
  return findings;
}
