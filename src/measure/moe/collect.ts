/** From what the engine tells of its routers to a trace and the counts of each request. */
import type { RouteEvent, RoutingShape } from '../../engine/engine.ts';
import type { SampleRow } from '../../record/rows.ts';
import type { TracePlan } from './plan.ts';
import type { TraceWriter } from './trace-writer.ts';

export interface Collector {
  /** `requests`: numbers of the requests of the batch. */
  take(event: RouteEvent, requests: readonly number[]): void;
  /** Counts of the requests since the last call, one row a request and layer. */
  rows(batch: number): SampleRow[];
}

export function collector(
  plan: TracePlan,
  options: { writer: TraceWriter; sample: number; seed: number },
): Collector {
  const { routing, traced } = plan;
  const { writer, sample, seed } = options;
  const { topK, experts } = routing;
  const width = routing.layers.length * topK;
  const ids = new Int32Array(traced.length * topK);
  const weights = new Float32Array(traced.length * topK);
  const counts = new Map<number, Int32Array>();
  const countsOf = (request: number): Int32Array => {
    const known = counts.get(request) ?? new Int32Array(traced.length * experts);
    counts.set(request, known);
    return known;
  };
  return {
    take({ request: row, phase, from, tokens, ids: all, shares }, requests) {
      const request = requests[row]!;
      const tally = countsOf(request);
      const decode = phase === 'decode';
      for (let token = 0; token < tokens; token++) {
        const position = from + token;
        if (sample < 1 && !isDrawn({ seed, request, position, sample })) continue;
        for (const [to, place] of traced.entries()) {
          const start = token * width + place * topK;
          copyLayer({ ids: all, shares, start, to: to * topK }, { ids, weights, routing });
          for (let k = 0; k < topK; k++) tally[to * experts + all[start + k]!]! += 1;
        }
        writer.add({ request, position, decode }, ids, weights);
      }
    },
    rows(batch) {
      const rows = [...counts].flatMap(([request, tally]) =>
        traced.map((place, at): SampleRow => {
          const layer = routing.layers[place]!;
          const used = [...tally.subarray(at * experts, (at + 1) * experts)];
          return { kind: 'routing', batch, request, layer, topK, counts: used };
        }),
      );
      counts.clear();
      return rows;
    },
  };
}

/** The weights that the model multiplies by: shares of all experts, or of the chosen ones. */
function copyLayer(
  from: { ids: Int32Array; shares: Float32Array; start: number; to: number },
  into: { ids: Int32Array; weights: Float32Array; routing: RoutingShape },
): void {
  const { start, to } = from;
  const { topK, normalized } = into.routing;
  let sum = 1;
  if (normalized) {
    sum = 0;
    for (let k = 0; k < topK; k++) sum += from.shares[start + k]!;
  }
  for (let k = 0; k < topK; k++) {
    into.ids[to + k] = from.ids[start + k]!;
    into.weights[to + k] = from.shares[start + k]! / sum;
  }
}

/** A hash of the token's place: the same tokens whatever the batches (MurmurHash3's finalizer). */
export function isDrawn(of: {
  seed: number;
  request: number;
  position: number;
  sample: number;
}): boolean {
  let h = (of.seed ^ Math.imul(of.request + 1, 0x9e3779b1)) >>> 0;
  h = Math.imul(h ^ Math.imul(of.position + 1, 0x85ebca6b), 0xc2b2ae35) >>> 0;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b) >>> 0;
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35) >>> 0;
  return (h ^ (h >>> 16)) >>> 0 < of.sample * 2 ** 32;
}
