/**
 * One line of a trace by JSON.parse: the reference that the fast scanner must equal, what it falls
 * back to, and who says what is wrong with a line.
 */
import { PHASES } from '../analyze/routing/route-block.ts';
import type { ProblemKind } from './trace-problem.ts';

export interface ParsedRoute {
  readonly request: string;
  readonly token: number;
  readonly layer: number;
  /** Index into PHASES. */
  readonly phase: number;
  readonly ids: readonly number[];
  readonly weights: readonly number[];
}

export type ParsedLine =
  | { readonly kind: 'route'; readonly route: ParsedRoute }
  | { readonly kind: 'meta'; readonly value: Readonly<Record<string, unknown>> }
  | { readonly kind: 'blank' }
  | { readonly kind: 'problem'; readonly problem: ProblemKind; readonly message: string };

export const MAX_LAYER = 65_535;
export const MAX_EXPERT = 65_535;
export const MAX_TOKEN = 2 ** 32 - 2;

export function parseLine(text: string): ParsedLine {
  if (text.trim() === '') return { kind: 'blank' };
  const value = jsonOf(text);
  if (value === undefined) return problem('syntax', `not JSON: ${shown(text)}`);
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return problem('syntax', `not an object: ${shown(text)}`);
  }
  const row = value as Record<string, unknown>;
  if (row.type === 'meta') return { kind: 'meta', value: row };
  return routeOf(row);
}

function problem(kind: ProblemKind, message: string): ParsedLine {
  return { kind: 'problem', problem: kind, message };
}

function shown(text: string): string {
  const clean = text.trim().replaceAll(/\p{Cc}/gu, ' ');
  return clean.length > 60 ? `${clean.slice(0, 59)}…` : clean;
}

/** Python writes NaN and Infinity, which JSON does not have: null here, and told as weights. */
const NOT_FINITE = /(?<=[[,:]\s*)(?:NaN|-?Infinity)(?=\s*[,\]}])/g;

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    if (!/NaN|Infinity/.test(text)) return undefined;
  }
  try {
    return JSON.parse(text.replaceAll(NOT_FINITE, 'null'));
  } catch {
    return undefined;
  }
}

/** A row given as names and values, from JSON or Parquet, checked field by field. */
export function routeOf(row: Readonly<Record<string, unknown>>): ParsedLine {
  const missing = FIELDS.filter((name) => row[name] === undefined);
  if (missing.length > 0) return problem('field', `no ${missing.join(', ')}`);
  const mistyped = FIELDS.filter((name) => !TYPES[name].is(row[name]));
  if (mistyped.length > 0) {
    const told = mistyped.map((name) => `${name} is ${saidOf(row[name])}, not ${TYPES[name].of}`);
    return problem('field', told.join('; '));
  }
  const ids = row.topk_ids as readonly number[];
  const weights = row.topk_weights as readonly (number | null)[];
  const phase = row.phase === undefined || row.phase === null ? 0 : phaseOf(row.phase);
  if (phase < 0) return problem('field', `phase is ${saidOf(row.phase)}, not one that is known`);
  if (ids.length !== weights.length) {
    return problem('field', `${ids.length} topk_ids, ${weights.length} topk_weights`);
  }
  const strange = ids.find((id) => id < 0 || id > MAX_EXPERT);
  if (strange !== undefined) return problem('expert', `expert ${strange} does not exist`);
  const bad = weights.find((weight) => weight === null || !Number.isFinite(weight) || weight < 0);
  if (bad !== undefined) {
    const said = bad === null || !Number.isFinite(bad) ? 'not a finite number' : `${bad}`;
    return problem('weight', `a weight is ${said}`);
  }
  return {
    kind: 'route',
    route: {
      request: String(row.req_id),
      token: row.token_idx as number,
      layer: row.layer as number,
      ...{ phase, ids, weights: weights as readonly number[] },
    },
  };
}

function phaseOf(value: unknown): number {
  return PHASES.indexOf(value as (typeof PHASES)[number]);
}

const isIndex = (value: unknown, most: number): boolean =>
  Number.isInteger(value) && (value as number) >= 0 && (value as number) <= most;

interface FieldType {
  readonly of: string;
  is(value: unknown): boolean;
}

const FIELDS = ['type', 'req_id', 'token_idx', 'layer', 'topk_ids', 'topk_weights'] as const;
const TYPES: Readonly<Record<(typeof FIELDS)[number], FieldType>> = {
  type: { of: '"meta" or "route"', is: (value) => value === 'route' },
  req_id: {
    of: 'a text or an integer',
    is: (value) => typeof value === 'string' || Number.isInteger(value),
  },
  token_idx: { of: 'an integer from 0', is: (value) => isIndex(value, MAX_TOKEN) },
  layer: { of: `an integer from 0 to ${MAX_LAYER}`, is: (value) => isIndex(value, MAX_LAYER) },
  topk_ids: {
    of: 'a list of integers',
    is: (value) => Array.isArray(value) && value.length > 0 && value.every(Number.isInteger),
  },
  topk_weights: {
    of: 'a list of numbers',
    is: (value) => Array.isArray(value) && value.every((w) => w === null || typeof w === 'number'),
  },
};

function saidOf(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 40 ? `${text.slice(0, 39)}…` : text;
}
