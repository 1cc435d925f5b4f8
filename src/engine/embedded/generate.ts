/** Generates tokens for a batch of requests of different lengths over one KV cache. */
import type {
  GenerateRequest,
  GenerateResult,
  RouteEvent,
  RouteSink,
  TokenSink,
} from '../engine.ts';
import { forward, type Hidden } from './forward.ts';
import { GpuCache } from './gpu-cache.ts';
import { type GenerationCache, KvCache } from './kv-cache.ts';
import { createSampler, isGreedy, type Sampler } from './sampler.ts';
import { type LoadedModel, runBest, runLogits } from './score.ts';

export interface GenerateOptions {
  readonly batch: readonly GenerateRequest[];
  readonly onToken: TokenSink;
  /** Only where the model was opened with `routing`. */
  readonly onRoutes?: RouteSink;
  readonly signal: AbortSignal;
  /** Rows are prefilled in groups of at most this many padded tokens. */
  readonly batchTokens: number;
  /** Told how many bytes of cache are allocated, 0 at the end. */
  onCache(bytes: number): void;
}

/** One request on its way; its place in `active` is its row of the cache. */
interface Row {
  readonly request: number;
  readonly sampler: Sampler;
  readonly ids: number[];
  /** Valid tokens in the cache. */
  length: number;
  /** The last token, not in the cache yet. */
  next: number;
  finish: GenerateResult['finish'] | null;
}

/**
 * Every row stands alone: its attention sees its own tokens only, its sampler has its own
 * generator, and it leaves the batch when it ends. An abort ends all rows as `cancelled`.
 */
export async function generateTokens(
  model: LoadedModel,
  options: GenerateOptions,
): Promise<GenerateResult[]> {
  const { batch, signal } = options;
  if (batch.length === 0) return [];
  const rows = batch.map(
    (request, index): Row => ({
      request: index,
      sampler: createSampler(request),
      ids: [],
      length: request.ids.length,
      next: 0,
      finish: signal.aborted ? 'cancelled' : null,
    }),
  );
  const capacity = Math.max(...batch.map((item) => item.ids.length + item.maxNewTokens - 1));
  try {
    if (!signal.aborted) {
      const cache = openCache(model, { rows: batch.length, capacity });
      options.onCache(cache.bytes);
      try {
        await prefill(model, { rows, cache, options });
        await decode(model, { rows, cache, options });
      } finally {
        cache.release();
      }
    }
  } finally {
    options.onCache(0);
  }
  return rows.map(({ ids, finish }) => ({ ids, finish: finish ?? 'cancelled' }));
}

export function openCache(
  { ort, arch, gpu }: LoadedModel,
  size: { rows: number; capacity: number },
): GenerationCache {
  return gpu === null ? new KvCache(ort, arch, size) : new GpuCache(gpu, arch, size);
}

interface Work {
  readonly rows: readonly Row[];
  readonly cache: GenerationCache;
  readonly options: GenerateOptions;
}

async function prefill(model: LoadedModel, { rows, cache, options }: Work): Promise<void> {
  const { batch, batchTokens, signal } = options;
  for (let from = 0; from < rows.length; ) {
    if (signal.aborted) return;
    let to = from + 1;
    let width = batch[from]!.ids.length;
    while (to < rows.length) {
      const wider = Math.max(width, batch[to]!.ids.length);
      if (wider * (to + 1 - from) > batchTokens) break;
      width = wider;
      to += 1;
    }
    const group = rows.slice(from, to);
    const hidden = await forward(model, {
      rows: group.map((row) => batch[row.request]!.ids),
      lengths: group.map((row) => row.length),
      cache: await cache.prefill(from, to),
    });
    group.forEach((row, r) => {
      const span = { phase: 'prefill', from: 0, tokens: row.length } as const;
      tell(model, hidden, { at: r * hidden.width, row, span, options });
    });
    const last = group.map((row, r) => r * hidden.width + row.length - 1);
    await choose(model, { hidden, last, rows: group, options });
    from = to;
  }
}

async function decode(model: LoadedModel, { rows, cache, options }: Work): Promise<void> {
  let active = [...rows];
  while (!options.signal.aborted) {
    if (active.some((row) => row.finish !== null)) {
      const kept = active.flatMap((row, index) => (row.finish === null ? [index] : []));
      if (kept.length === 0) return;
      await cache.keep(kept);
      active = kept.map((index) => active[index]!);
    }
    for (const row of active) row.length += 1;
    const hidden = await forward(model, {
      rows: active.map((row) => [row.next]),
      lengths: active.map((row) => row.length),
      cache: await cache.decode(),
    });
    active.forEach((row, at) => {
      const span = { phase: 'decode', from: row.length - 1, tokens: 1 } as const;
      tell(model, hidden, { at, row, span, options });
    });
    const last = active.map((_, row) => row);
    await choose(model, { hidden, last, rows: active, options });
  }
}

/** Hands out what the routers chose for tokens of one row, from token `at` of the call on. */
function tell(
  { arch }: LoadedModel,
  { routes }: Hidden,
  of: {
    at: number;
    row: Row;
    span: Pick<RouteEvent, 'phase' | 'from' | 'tokens'>;
    options: GenerateOptions;
  },
): void {
  const { at, row, span, options } = of;
  if (options.onRoutes === undefined || routes === null) return;
  const size = arch.moe!.layers.length * arch.moe!.topK;
  const [start, end] = [at * size, (at + span.tokens) * size];
  options.onRoutes({
    ...span,
    request: row.request,
    ids: routes.ids.subarray(start, end),
    shares: routes.shares.subarray(start, end),
  });
}

/** Picks and reports the next token of each row from hidden state `last[row]`. */
async function choose(
  model: LoadedModel,
  step: {
    hidden: Hidden;
    last: readonly number[];
    rows: readonly Row[];
    options: GenerateOptions;
  },
): Promise<void> {
  const { options, rows } = step;
  const feeds = step.hidden.feeds(step.last);
  const ids = rows.every(({ request }) => isGreedy(options.batch[request]!))
    ? // Argmax in the graph: of a wide vocabulary only one number a row comes back.
      await runBest(model, feeds, rows.length)
    : sample(rows, await runLogits(model, feeds, rows.length), model.arch.vocabSize);
  rows.forEach((row, r) => {
    const request = options.batch[row.request]!;
    const id = ids[r]!;
    row.next = id;
    row.ids.push(id);
    if (request.stopIds.includes(id)) row.finish = 'stop';
    else if (row.ids.length >= request.maxNewTokens) row.finish = 'length';
    options.onToken({ request: row.request, index: row.ids.length - 1, id });
  });
}

function sample(rows: readonly Row[], logits: Float32Array, vocabSize: number): number[] {
  return rows.map((row, r) => {
    return row.sampler.next(logits.subarray(r * vocabSize, (r + 1) * vocabSize));
  });
}
