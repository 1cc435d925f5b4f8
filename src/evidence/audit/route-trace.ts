/** A routing trace (JSON lines): which expert served which row, and which rows are real. */
import { longerThanChance } from '../../analyze/routing/dummy-rows.ts';
import { CANDIDATE_ROWS } from '../../analyze/routing/layer-tally.ts';
import { entropyNats, sumOf } from '../../analyze/routing/usage.ts';

export interface RouteTrace {
  readonly rows: number;
  /** Rows of runs that repeat one row's experts and weights: profiling and warm-up. */
  readonly dummies: number;
  /** Lengths of these runs, longest first. */
  readonly runs: readonly number[];
  readonly experts: number;
  /** Bits, over all rows and over those that are not dummies. */
  readonly entropyBits: number;
  readonly cleanBits: number;
  /** Most used experts of the rows that are not dummies. */
  readonly top: readonly { readonly expert: number; readonly count: number }[];
  readonly weightSums: { readonly low: number; readonly high: number };
  readonly requests: number;
  /** Line of the first dummy row, and of the first route. */
  readonly dummyLine: number;
  readonly firstLine: number;
}

interface Route {
  readonly topk_ids: readonly number[];
  readonly topk_weights?: readonly number[];
  readonly req_id?: unknown;
  readonly layer?: unknown;
}

interface SeenRoute {
  readonly ids: readonly number[];
  /** Equal for equal experts and weights. */
  readonly key: number;
  readonly layer: unknown;
  readonly line: number;
}

const TOP = 3;

/** null: no routing trace. Lines that cannot be read are passed over. */
export function readRoutes(lines: readonly string[]): RouteTrace | null {
  if (!lines.slice(0, 5).some((line) => line.includes('"topk_ids"'))) return null;
  const keys: string[] = [];
  const routes: SeenRoute[] = [];
  const known = new Map<string, number>();
  const requests = new Set<unknown>();
  let [low, high, numbered] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 0];
  for (const [i, line] of lines.entries()) {
    const row = parsed(line);
    if (!row) continue;
    if (typeof row.num_experts === 'number') numbered = row.num_experts;
    const route = asRoute(row);
    if (!route) continue;
    const text = JSON.stringify([route.topk_ids, route.topk_weights]);
    const key = known.get(text) ?? keys.push(text) - 1;
    known.set(text, key);
    routes.push({ ids: route.topk_ids, key, layer: route.layer, line: i + 1 });
    requests.add(route.req_id);
    const sum = (route.topk_weights ?? []).reduce((a, b) => a + b, 0);
    low = Math.min(low, sum);
    high = Math.max(high, sum);
  }
  const [first] = routes;
  if (!first) return null;
  const { isDummy, runs } = dummiesIn(routes);
  const clean = routes.filter((_, i) => !isDummy[i]);
  const counts = countsOf(clean.map((r) => r.ids));
  const all = countsOf(routes.map((r) => r.ids));
  return {
    rows: routes.length,
    dummies: routes.length - clean.length,
    runs,
    experts: numbered || Math.max(...all.keys()) + 1,
    entropyBits: entropy(all),
    cleanBits: entropy(counts),
    top: [...counts]
      .map(([expert, count]) => ({ expert, count }))
      .toSorted((a, b) => b.count - a.count || a.expert - b.expert)
      .slice(0, TOP),
    weightSums: { low, high },
    requests: requests.size,
    dummyLine: routes[isDummy.indexOf(true)]?.line ?? first.line,
    firstLine: first.line,
  };
}

function parsed(line: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : null;
  } catch {
    return null;
  }
}

function asRoute(row: Record<string, unknown>): Route | null {
  const ids = row.topk_ids;
  const isRoute = Array.isArray(ids) && ids.length > 0 && ids.every((id) => Number.isInteger(id));
  return isRoute ? (row as unknown as Route) : null;
}

/** Equal rows of a layer, one behind the other. */
class SeenRun {
  /** Experts as numbers from 0, in the order in which they were first seen. */
  readonly ids: readonly number[];
  readonly key: number;
  /** Their places. */
  readonly rows: number[];

  constructor(of: { ids: readonly number[]; key: number; row: number }) {
    this.ids = of.ids;
    this.key = of.key;
    this.rows = [of.row];
  }

  get length(): number {
    return this.rows.length;
  }
}

/** Rows inside runs of equal rows of a layer that are longer than chance allows. */
function dummiesIn(routes: readonly SeenRoute[]): { isDummy: boolean[]; runs: number[] } {
  const isDummy = routes.map(() => false);
  const lengths: number[] = [];
  for (const runs of runsByLayer(routes).values()) {
    const isShort = (run: SeenRun): boolean => run.length < CANDIDATE_ROWS;
    const short = runs.filter(isShort);
    const around = {
      rows: runs.reduce((sum, { length }) => sum + length, 0),
      uses: usesOf(runs),
      shortRuns: short.length,
      repeatingRuns: short.filter(({ length }) => length > 1).length,
    };
    const candidates = runs.filter((run) => !isShort(run));
    for (const { rows } of longerThanChance(candidates, around).keys()) {
      for (const row of rows) isDummy[row] = true;
      lengths.push(rows.length);
    }
  }
  return { isDummy, runs: lengths.toSorted((a, b) => b - a) };
}

function runsByLayer(routes: readonly SeenRoute[]): ReadonlyMap<unknown, SeenRun[]> {
  const layers = new Map<unknown, SeenRun[]>();
  const numbers = new Map<number, number>();
  const numberOf = (id: number): number => {
    const known = numbers.get(id) ?? numbers.size;
    numbers.set(id, known);
    return known;
  };
  for (const [row, { ids, key, layer }] of routes.entries()) {
    const runs = layers.get(layer) ?? [];
    layers.set(layer, runs);
    const last = runs.at(-1);
    if (last?.key === key) last.rows.push(row);
    else runs.push(new SeenRun({ ids: ids.map(numberOf), key, row }));
  }
  return layers;
}

function usesOf(runs: readonly SeenRun[]): number[] {
  const counts: number[] = [];
  for (const { ids, rows } of runs) {
    for (const id of ids) counts[id] = (counts[id] ?? 0) + rows.length;
  }
  return Array.from(counts, (count) => count ?? 0);
}

function countsOf(rows: readonly (readonly number[])[]): Map<number, number> {
  const counts = new Map<number, number>();
  for (const ids of rows) for (const id of ids) counts.set(id, (counts.get(id) ?? 0) + 1);
  return counts;
}

/** Bits; 0 for nothing. */
function entropy(counts: ReadonlyMap<number, number>): number {
  const all = [...counts.values()];
  return all.length === 0 ? 0 : entropyNats(all, sumOf(all)) / Math.LN2;
}
