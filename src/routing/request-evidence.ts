/** Whether what a trace calls a request is one: by its ids, and by how tokens are numbered. */
import type { TraceRead } from './read-trace.ts';
import type { RouteChecks } from './route-checks.ts';

export interface Evidenced {
  /** Different ids. */
  readonly ids: number;
  readonly evidenced: boolean;
  /** null: it is evidenced. */
  readonly reason: string | null;
}

/** Restarts in one layer that make a duplicate of a request an index into a batch. */
const BATCH_RESTARTS = 2;

/** Requests whose token_idx begins again and again: it is a row of the batch. */
export function batchNumbered({ restarts }: RouteChecks): number[] {
  return [...restarts].flatMap(([request, { layers }]) => {
    return Math.max(...layers.values()) >= BATCH_RESTARTS ? [request] : [];
  });
}

export function requestsIn(read: TraceRead, checks: RouteChecks): Evidenced {
  const ids = read.names.length;
  const batch = batchNumbered(checks);
  const restarts = batch.map((request) => {
    return Math.max(...(checks.restarts.get(request)?.layers.values() ?? [0]));
  });
  const constant = ids === 1 ? `one request id, ${shown(read.names[0])}, for all rows` : null;
  if (batch.length > 0) {
    const again = `token_idx begins again ${Math.max(...restarts)} times within a request: it is a`;
    const reason = [constant, `${again} row of the batch`].filter((part) => part !== null);
    return { ids, evidenced: false, reason: reason.join('; ') };
  }
  const header = read.header?.value ?? {};
  const fromEngine = header.request_ids === 'engine' || header.engine === 'embedded';
  if (constant !== null && !fromEngine) return { ids, evidenced: false, reason: constant };
  return { ids, evidenced: true, reason: null };
}

function shown(name = ''): string {
  return JSON.stringify(name.length > 40 ? `${name.slice(0, 39)}…` : name);
}
