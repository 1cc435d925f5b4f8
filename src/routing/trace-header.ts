/** The header of a trace, in the dialects of its writers. */
import { knownExperts } from './known-experts.ts';

export interface TraceHeader {
  /** From 1. */
  readonly line: number;
  readonly value: Readonly<Record<string, unknown>>;
  readonly modelId: string | null;
  readonly seed: number | null;
  /** null: it names no list. */
  readonly layers: readonly number[] | null;
  readonly topK: number | null;
  /** `experts` and who says so. */
  readonly experts: number | null;
  readonly expertsFrom: 'header' | 'model' | null;
  /** Are the weights of a row made to sum to 1? null: it does not say. */
  readonly normalized: boolean | null;
  /** False: weights come from a sigmoid or are scaled, so that they may sum to more than 1. */
  readonly boundedSum: boolean;
  /** Only some of the tokens were logged. */
  readonly sampled: boolean;
  readonly problems: readonly string[];
}

/** Fields of seed 002; `created_at` and others may stand beside them. */
const FIELDS: Readonly<Record<string, (value: unknown) => boolean>> = {
  model_id: isText,
  vllm_version: orNull(isText),
  torch_version: orNull(isText),
  device: orNull(isText),
  seed: orNull(Number.isInteger),
  layers_logged: (value) => orNull(isLayers)(value) || isText(value),
  top_k: (value) => Number.isInteger(value) && (value as number) > 0,
};

function isText(value: unknown): boolean {
  return typeof value === 'string';
}

function isLayers(value: unknown): boolean {
  return Array.isArray(value) && value.every((n) => Number.isInteger(n) && n >= 0);
}

function orNull(is: (value: unknown) => boolean): (value: unknown) => boolean {
  return (value) => value === null || is(value);
}

export function readHeader(value: Readonly<Record<string, unknown>>, line: number): TraceHeader {
  const missing = Object.keys(FIELDS).filter((name) => value[name] === undefined);
  const mistyped = Object.entries(FIELDS)
    .filter(([name, is]) => value[name] !== undefined && !is(value[name]))
    .map(([name]) => `${name} of the header is ${JSON.stringify(value[name])}`);
  const said = positive(value.num_experts) ?? positive(value.n_experts);
  const modelId = isText(value.model_id) ? (value.model_id as string) : null;
  const known = modelId === null ? null : knownExperts(modelId);
  const scoring = value.scoring_func ?? value.scoring;
  return {
    ...{ line, value, modelId },
    seed: Number.isInteger(value.seed) ? (value.seed as number) : null,
    layers: isLayers(value.layers_logged) ? (value.layers_logged as number[]) : null,
    topK: positive(value.top_k),
    experts: said ?? known,
    expertsFrom: said !== null ? 'header' : known !== null ? 'model' : null,
    normalized: flag(value.norm_topk_prob) ?? flag(value.renormalize) ?? flag(value.normalized),
    boundedSum: scoring !== 'sigmoid' && value.routed_scaling_factor === undefined,
    sampled: isSampled(value),
    problems: [
      ...(missing.length > 0 ? [`the header has no ${missing.join(', ')}`] : []),
      ...mistyped,
    ],
  };
}

function positive(value: unknown): number | null {
  return Number.isInteger(value) && (value as number) > 0 ? (value as number) : null;
}

function flag(value: unknown): boolean | null {
  return typeof value === 'boolean' ? value : null;
}

function isSampled({ sample, sample_rate: rate, token_sample: share }: TraceHeader['value']) {
  const of = sample ?? rate ?? share;
  return of !== undefined && of !== null && of !== 1 && of !== false;
}
