/** The statistics of one trace. */
import type { TalliedLayer } from '../analyze/routing/route-tally.ts';
import {
  analyzeLayer,
  type LayerAnalysis,
  type Units,
} from '../analyze/routing/routing-analysis.ts';
import { FormatError } from '../record/errors.ts';
import type { TraceRead } from './read-trace.ts';
import type { Evidenced } from './request-evidence.ts';
import { type TalliedTrace, type TallyOptions, tallyTrace } from './tally-trace.ts';
import type { TraceHeader } from './trace-header.ts';

export const ANALYSIS_SEED = 42;

export interface TraceAnalysis {
  readonly read: TraceRead;
  /** Of dummies too. */
  readonly routes: number;
  readonly dummyRoutes: number;
  /** Rows that say of themselves that they are of profiling or warm-up. */
  readonly saidDummies: number;
  /** Rows whose experts or weights cannot be. */
  readonly refusedRoutes: number;
  readonly experts: number;
  readonly expertsFrom: 'header' | 'model' | 'largest id';
  readonly requests: Evidenced;
  readonly weightSums: readonly [number, number];
  /** Every row's weights sum to 1. */
  readonly normalized: boolean;
  readonly layers: readonly LayerAnalysis[];
  /** For charts and comparisons. */
  readonly tallied: readonly TalliedLayer[];
  readonly unitsOf: Units['of'];
}

/** Throws FormatError where there is nothing to analyze. */
export async function analyzeTrace(
  path: string,
  options: TallyOptions = {},
): Promise<TraceAnalysis> {
  const taken = await tallyTrace(path, options);
  const { read, tally } = taken;
  if (tally.rows === tally.refused) {
    const [first] = read.problems.shown;
    const why = first === undefined ? '' : `; line ${first.line}: ${first.message}`;
    throw new FormatError(`${path} has no routes that can be analyzed${why}`, {
      hint: 'see `assay moe validate`',
    });
  }
  return { read, ...analyzed(taken, options.keepDummies ?? false) };
}

function analyzed(
  { read, checks, tally, tallied, requests }: TalliedTrace,
  keepDummies: boolean,
): Omit<TraceAnalysis, 'read'> {
  const { experts, from } = expertsOf(read.header, tally.maxId);
  const names = requests.evidenced ? read.names : null;
  const unitsOf = unitsIn(names, tallied);
  const options = { experts, seed: ANALYSIS_SEED, requests: names, unitsOf, keepDummies };
  const layers = tallied.map((each) => analyzeLayer(each, options));
  return {
    routes: tally.rows,
    dummyRoutes: layers.reduce((n, { dummyRoutes }) => n + dummyRoutes, 0),
    saidDummies: tallied.reduce((n, { tally: { saidDummies } }) => n + saidDummies, 0),
    refusedRoutes: tally.refused,
    ...{ experts, expertsFrom: from, requests, layers, tallied, unitsOf },
    weightSums: [checks.lowSum, checks.highSum] as const,
    normalized: checks.sumsToOne === checks.rows - tally.refused,
  };
}

export function expertsOf(
  header: TraceHeader | null,
  maxId: number,
): { experts: number; from: TraceAnalysis['expertsFrom'] } {
  const said = header?.experts ?? null;
  if (said !== null && said > maxId)
    return { experts: said, from: header?.expertsFrom ?? 'header' };
  return { experts: maxId + 1, from: 'largest id' };
}

/** One request by itself is cut into blocks: it says nothing about others. */
function unitsIn(names: readonly string[] | null, layers: readonly TalliedLayer[]): Units['of'] {
  const counted = layers.every(({ tally }) => tally.counts.hasRequests);
  return names !== null && names.length > 1 && counted ? 'requests' : 'blocks';
}
