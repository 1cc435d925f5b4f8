/** How long a plan may take: from earlier runs of this lab where there are any. */

import { availableParallelism } from 'node:os';
import { resolveModel } from '../engine/open.ts';
import { planTrace } from '../measure/moe/plan.ts';
import type { Lab } from '../record/lab.ts';
import { listRuns, loadRun } from '../record/run-reader.ts';
import type { Manifest } from '../record/schema.ts';
import { benchTokens, guessSeconds, secondsPerToken } from './bench-estimate.ts';
import {
  type BenchCell,
  type Cell,
  isBench,
  isSolo,
  isTrace,
  measureName,
  type ScoringCell,
  type SoloCell,
} from './cell.ts';
import { planCell } from './cell-plan.ts';
import type { ExperimentPlan } from './plan.ts';

export interface CellEstimate {
  readonly name: string;
  readonly state: 'done' | 'to run';
  /** Tokens that the engine will be fed. */
  readonly tokens: number;
  readonly seconds: number;
  readonly basis: string;
}

interface Rate {
  readonly tokensPerSecond: number;
  readonly loadSeconds: number;
}

export async function estimate(
  plan: ExperimentPlan,
  lab: Lab,
  builtinDir: string,
  env: Readonly<Record<string, string | undefined>>,
): Promise<CellEstimate[]> {
  const done = new Set<string>();
  const rates = new Map<string, Rate>();
  const benchRates = new Map<string, number>();
  for (const entry of listRuns(lab)) {
    if (entry.kind !== 'closed' || entry.manifest.status !== 'succeeded') continue;
    done.add(entry.manifest.cellKey);
    const { summary } = loadRun(lab, entry.runId);
    const metrics = summary?.metrics;
    const perToken = secondsPerToken(entry.manifest, summary);
    if (perToken !== null) benchRates.set(variantKey(entry.manifest), perToken);
    const speed = metrics?.tokensPerSecond?.value;
    const load = metrics?.loadSeconds?.value;
    if (speed == null || load == null) continue;
    const config = entry.manifest.model?.configSha256;
    rates.set(`${config} ${entry.manifest.variant.scheme}`, {
      tokensPerSecond: speed,
      loadSeconds: load,
    });
  }
  const tokensOf = tokenCounter(builtinDir, env);
  const estimates: CellEstimate[] = [];
  for (const cell of plan.cells) {
    const tokens = isSolo(cell) ? await tokensOf(cell) : benchTokens(cell as BenchCell);
    if (done.has(cell.key)) {
      const name = cell.name;
      estimates.push({ name, state: 'done', tokens, seconds: 0, basis: 'measured already' });
      continue;
    }
    if (isBench(cell)) {
      const { configSha256 } = cell.identity;
      const perToken = benchRates.get(`${configSha256} ${cell.engine.scheme} ${measureName(cell)}`);
      const known =
        perToken === undefined ? guessed(guessSeconds(cell)) : earlier(perToken * tokens);
      estimates.push({ name: cell.name, state: 'to run', tokens, ...known });
      continue;
    }
    const rate = rates.get(`${cell.identity.configSha256} ${cell.engine.scheme}`);
    const { seconds, basis } = rate ? fromEarlier(rate, tokens) : fromArithmetic(cell, tokens);
    estimates.push({ name: cell.name, state: 'to run', tokens, seconds, basis });
  }
  return estimates;
}

function variantKey({ model, variant, measure }: Manifest): string {
  return `${model?.configSha256} ${variant.scheme} ${measure}`;
}

function earlier(seconds: number): { seconds: number; basis: string } {
  return { seconds, basis: 'an earlier run at this batch size' };
}

function guessed(seconds: number): { seconds: number; basis: string } {
  return { seconds, basis: 'a guess from the model’s size: no earlier run at this scheme' };
}

function fromEarlier(rate: Rate, tokens: number): { seconds: number; basis: string } {
  const seconds = rate.loadSeconds + tokens / rate.tokensPerSecond;
  return { seconds, basis: `${Math.round(rate.tokensPerSecond)} tokens/s in an earlier run` };
}

/** What a core of a current server does in f32 matrix products, as an order of magnitude. */
const FLOPS_A_CORE = 25e9;

/** A guess, and called one: 2 · parameters · tokens operations. */
function fromArithmetic(cell: Cell, tokens: number): { seconds: number; basis: string } {
  const cores = cell.engine.threads ?? availableParallelism();
  const seconds = 1 + (2 * cell.identity.parameters * tokens) / (cores * FLOPS_A_CORE);
  return guessed(seconds);
}

/** Counts the tokens of a cell; cells over one model and data set share the count. */
function tokenCounter(
  builtinDir: string,
  env: Readonly<Record<string, string | undefined>>,
): (cell: SoloCell) => Promise<number> {
  const known = new Map<string, Promise<number>>();
  return (cell) => {
    const key = `${cell.modelIndex} ${JSON.stringify(cell.measure)}`;
    const counted = known.get(key) ?? countTokens(cell, builtinDir, env);
    known.set(key, counted);
    return counted;
  };
}

async function countTokens(
  cell: SoloCell,
  builtinDir: string,
  env: Readonly<Record<string, string | undefined>>,
): Promise<number> {
  const model = await resolveModel(cell.engine.model, { builtinDir, env });
  if (isTrace(cell)) {
    const { measure, seed } = cell;
    const passes = measure.check_repeat ? 2 : 1;
    return passes * (await planTrace(measure, model, seed)).tokens();
  }
  const { plan } = await planCell(cell as ScoringCell, model);
  return plan.tokens();
}
