/** What tracing costs: the same batch traced and untraced, in pairs, each order in turn. */
import { performance } from 'node:perf_hooks';
import type { Engine, GenerateRequest, GenerateResult, WithRouting } from '../../engine/engine.ts';
import { Cancelled } from '../../record/errors.ts';
import type { SampleRow } from '../../record/rows.ts';
import type { Collector } from './collect.ts';
import type { TracePlan } from './plan.ts';
import type { TraceWriter } from './trace-writer.ts';

interface Sides {
  /** Its graph has no outputs for routers. */
  readonly plain: Engine;
  readonly traced: Engine & WithRouting;
  readonly writer: TraceWriter;
  readonly collector: Collector;
}

type PairRow = Extract<SampleRow, { kind: 'trace-pair' }>;
type Timed = PairRow['traced'];

/** Pair `pair` over one batch of the plan; a traced side ends when its routes are written. */
export async function tracePair(
  plan: TracePlan,
  sides: Sides,
  of: { pair: number; signal: AbortSignal },
): Promise<PairRow> {
  const { pair, signal } = of;
  const members = plan.batches[Math.floor(pair / 2) % plan.batches.length]!;
  const batch = members.map((index) => plan.requests[index]!);
  const tracedFirst = pair % 2 === 0;
  const runs: Partial<Record<'traced' | 'plain', Ran>> = {};
  for (const side of tracedFirst
    ? (['traced', 'plain'] as const)
    : (['plain', 'traced'] as const)) {
    runs[side] =
      side === 'plain'
        ? await time(batch, (onToken) => sides.plain.generate(batch, onToken, signal))
        : await time(
            batch,
            (onToken) => {
              const onRoutes = (event: Parameters<Collector['take']>[0]): void =>
                sides.collector.take(event, members);
              return sides.traced.generateRouted(batch, { onToken, onRoutes }, signal);
            },
            () => sides.writer.drain(),
          );
    if (signal.aborted) throw new Cancelled();
  }
  const { traced, plain } = runs as Record<'traced' | 'plain', Ran>;
  return {
    kind: 'trace-pair',
    pair,
    tracedFirst,
    traced: traced.timed,
    plain: plain.timed,
    sameTokens: JSON.stringify(traced.ids) === JSON.stringify(plain.ids),
  };
}

interface Ran {
  readonly timed: Timed;
  readonly ids: readonly (readonly number[])[];
}

async function time(
  batch: readonly GenerateRequest[],
  generate: (onToken: (event: { request: number }) => void) => Promise<GenerateResult[]>,
  finish: () => void = () => {},
): Promise<Ran> {
  const cpuBefore = process.cpuUsage();
  const started = performance.now();
  const begun = new Set<number>();
  let prefilled = started;
  const results = await generate(({ request }) => {
    if (begun.size === batch.length) return;
    begun.add(request);
    prefilled = performance.now();
  });
  const decoded = performance.now();
  finish();
  const ended = performance.now();
  const cpu = process.cpuUsage(cpuBefore);
  const newTokens = results.reduce((sum, { ids }) => sum + ids.length, 0);
  return {
    // The first token of each request is of the prefill.
    timed: {
      e2eMs: ended - started,
      decodeMs: decoded - prefilled,
      decodedTokens: newTokens - batch.length,
      cpuMs: (cpu.user + cpu.system) / 1_000,
    },
    ids: results.map(({ ids }) => ids),
  };
}
