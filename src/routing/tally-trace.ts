/** One trace, read once: its rows checked and tallied. */
import { RouteTally, type TalliedLayer } from '../analyze/routing/route-tally.ts';
import { type ReadOptions, readTrace, type TraceRead } from './read-trace.ts';
import { type Evidenced, requestsIn } from './request-evidence.ts';
import { RouteChecks } from './route-checks.ts';
import { RouteKernel } from './route-kernel.ts';

export interface TallyOptions extends ReadOptions {
  /** Count a server's own rows as if they were of requests. */
  readonly keepDummies?: boolean;
  /** Check and count row by row, without the compiled kernel that does the same. */
  readonly plain?: boolean;
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
    ({ header, topK }, problems) => {
      const kernel = options.plain ? null : new RouteKernel(topK);
      const experts = header?.expertsFrom === 'header' ? header.experts : null;
      checks = new RouteChecks({
        experts,
        normalized: header?.normalized ?? null,
        boundedSum: header?.boundedSum ?? false,
        layers: header?.layers ?? null,
        ...{ problems, kernel },
      });
      tally = new RouteTally({ experts, keepDummies: options.keepDummies ?? false, kernel });
      return (read) => {
        const block = kernel?.place(read) ?? read;
        checks.check(block);
        tally.add(block, checks.bad, checks.maxId);
      };
    },
    options,
  );
  const requests = requestsIn(read, checks);
  return { read, checks, tally, tallied: tally.finish(), requests };
}
