/** A routing trace (JSON lines): which expert served which row, and which rows are real. */
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
}

/** Shorter runs of equal rows happen: equal tokens at layer 0 have equal routes. */
const LEAST_RUN = 64;
const TOP = 3;

/** null: no routing trace. Lines that cannot be read are passed over. */
export function readRoutes(lines: readonly string[]): RouteTrace | null {
  if (!lines.slice(0, 5).some((line) => line.includes('"topk_ids"'))) return null;
  const keys: string[] = [];
  const routes: { ids: readonly number[]; key: number; line: number }[] = [];
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
    routes.push({ ids: route.topk_ids, key, line: i + 1 });
    requests.add(route.req_id);
    const sum = (route.topk_weights ?? []).reduce((a, b) => a + b, 0);
    low = Math.min(low, sum);
    high = Math.max(high, sum);
  }
  const [first] = routes;
  if (!first) return null;
  const { isDummy, runs } = dummiesIn(routes.map((r) => r.key));
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

/** Rows inside runs of at least LEAST_RUN equal rows. */
function dummiesIn(keys: readonly number[]): { isDummy: boolean[]; runs: number[] } {
  const isDummy = keys.map(() => false);
  const runs: number[] = [];
  for (let start = 0; start < keys.length; ) {
    let end = start + 1;
    while (end < keys.length && keys[end] === keys[start]) end++;
    if (end - start >= LEAST_RUN) {
      isDummy.fill(true, start, end);
      runs.push(end - start);
    }
    start = end;
  }
  return { isDummy, runs: runs.toSorted((a, b) => b - a) };
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
