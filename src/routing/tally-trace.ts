/** One trace, read once: its rows checked and tallied. */
import { RouteTally, type TalliedLayer } from '../analyze/routing/route-tally.ts';
import { type ReadOptions, readTrace, type TraceRead } from './read-trace.ts';
import { type Evidenced, requestsIn } from './request-evidence.ts';
import { RouteChecks } from './route-checks.ts';

export interface TallyOptions extends ReadOptions {
  /** Count a server's own rows as if they were of requests. */
  readonly keepDummies?: boolean;
}

export interface TalliedTrace {
  readonly read: TraceRead;
  readonly checks: RouteChecks;
  readonly tally: RouteTally;
  readonly tallied: readonly TalliedLayer[];
  readonly requests: Evidenced;
}

export async function tallyTrace(path: string, options: TallyOptions): Promise<TalliedTrace> {
  let checks!: RouteChecks;
  let tally!: RouteTally;
  const read = await readTrace(
    path,
    ({ header }, problems) => {
      const experts = header?.expertsFrom === 'header' ? header.experts : null;
      checks = new RouteChecks({
        experts,
        normalized: header?.normalized ?? null,
        boundedSum: header?.boundedSum ?? false,
        layers: header?.layers ?? null,
        problems,
      });
      tally = new RouteTally({ experts, keepDummies: options.keepDummies ?? false });
      return (block) => {
        checks.check(block);
        tally.add(block, checks.bad, checks.maxId);
      };
    },
    options,
  );
  const requests = requestsIn(read, checks);
  return { read, checks, tally, tallied: tally.finish(), requests };
}
