/** One call of the body graph: token ids in, hidden states out, keys and values in a cache. */
import type { Architecture } from './architecture.ts';
import { cachedHeadDim, pastName, presentName } from './attention.ts';
import { ROUTER_IDS, ROUTER_SHARES } from './body.ts';
import type { GpuTensors } from './gpu-tensors.ts';
import {
  float32,
  int64,
  type Runtime,
  runInPlace,
  runSession,
  type Session,
  type Tensor,
} from './runtime.ts';

/** Past keys and values by graph input name, all [rows, kvHeads, capacity, cachedHeadDim]. */
export type CacheTensors = Readonly<Record<string, Tensor>>;

export interface Step {
  /** New tokens of each row; rows may differ in length only in a prefill. */
  readonly rows: readonly (readonly number[])[];
  /** Valid tokens of each row, this call included. */
  readonly lengths: readonly number[];
  /** Read and written in place; null: nothing is kept. */
  readonly cache: CacheTensors | null;
}

/** Hidden states of rows × width tokens, row-major; beyond a row's tokens they mean nothing. */
export interface Hidden {
  /** Tokens of the longest row of this call. */
  readonly width: number;
  /** What the head takes for the tokens `at`. Valid until the next call of the body. */
  feeds(at: readonly number[]): Record<string, Tensor>;
  /** What the routers chose; null unless the graph was built with `routing`. */
  readonly routes: Routes | null;
}

/**
 * Of rows × width tokens: [token][layer that routes][rank], row-major, most likely first. Valid
 * until the next call of the body.
 */
export interface Routes {
  readonly ids: Int32Array;
  /** Shares of the softmax over all experts. */
  readonly shares: Float32Array;
}

export interface BodyModel {
  readonly ort: Runtime;
  readonly arch: Architecture;
  readonly body: Session;
  /** The body's graph also gives what its routers chose. */
  readonly routing?: boolean;
  /** Null on the CPU. */
  readonly gpu: GpuTensors | null;
}

export async function forward(model: BodyModel, step: Step): Promise<Hidden> {
  const width = Math.max(...step.rows.map((row) => row.length));
  const call = { step, batch: step.rows.length, width };
  return model.gpu === null ? onCpu(model, call) : onGpu(model, model.gpu, call);
}

interface Call {
  readonly step: Step;
  readonly batch: number;
  readonly width: number;
}

/** The graph's own inputs, as buffers that the next step may write again. */
interface Inputs {
  /** [batch, width], right-padded with id 0. */
  readonly ids: BigInt64Array;
  readonly lengths: BigInt64Array;
  readonly total: BigInt64Array;
  readonly feeds: Record<string, Tensor>;
}

function newInputs({ ort }: BodyModel, { batch, width }: Call): Inputs {
  const ids = new BigInt64Array(batch * width);
  const lengths = new BigInt64Array(batch);
  const total = new BigInt64Array(1);
  const feeds = {
    input_ids: new ort.Tensor('int64', ids, [batch, width]),
    lengths: new ort.Tensor('int64', lengths, [batch]),
    total: new ort.Tensor('int64', total, []),
  };
  return { ids, lengths, total, feeds };
}

function fill(inputs: Inputs, { step, width }: Call): Record<string, Tensor> {
  step.rows.forEach((row, r) => {
    for (let i = 0; i < row.length; i++) inputs.ids[r * width + i] = BigInt(row[i]!);
  });
  let longest = 0;
  step.lengths.forEach((length, r) => {
    inputs.lengths[r] = BigInt(length);
    longest = Math.max(longest, length);
  });
  inputs.total[0] = BigInt(longest);
  return inputs.feeds;
}

async function onCpu(model: BodyModel, call: Call): Promise<Hidden> {
  const { ort, arch, body } = model;
  const { step, batch, width } = call;
  const kept = step.cache === null ? emptyCache(model, batch) : keptCache(model, step.cache);
  // All steps of a batch have tensors of one shape. Those of a prefill are used once.
  if (width === 1) kept.own ??= newTensors(model, call);
  const own = width === 1 ? kept.own! : newTensors(model, call);
  const feeds = Object.assign(kept.feeds, fill(own.inputs, call));
  await runInPlace(body, feeds, Object.assign(kept.presents, own.outputs));
  const { hidden } = own.outputs;
  const size = arch.hiddenSize;
  const headFeeds = (at: readonly number[]): Record<string, Tensor> => {
    // One token a row, all rows asked for in order: they lie there as the head takes them.
    const asTheyLie = at.length === batch && at.every((row, index) => row === index);
    if (width === 1 && asTheyLie) return { x: hidden };
    const values = gatherRows(hidden.data as Float32Array, at, size);
    return { x: float32(ort, values, [at.length, size]) };
  };
  return { width, feeds: headFeeds, routes: own.routes };
}

/** What a call reads and writes beside the cache. */
interface OwnTensors {
  readonly inputs: Inputs;
  readonly outputs: { readonly hidden: Tensor } & Record<string, Tensor>;
  /** Views of outputs. */
  readonly routes: Routes | null;
}

function newTensors(model: BodyModel, call: Call): OwnTensors {
  const { ort, arch, routing } = model;
  const tokens = call.batch * call.width;
  const size = arch.hiddenSize;
  const hidden = float32(ort, new Float32Array(tokens * size), [tokens, size]);
  const inputs = newInputs(model, call);
  if (!routing) return { inputs, outputs: { hidden }, routes: null };
  const choices = arch.moe!.layers.length * arch.moe!.topK;
  const ids = new Int32Array(tokens * choices);
  const shares = new Float32Array(tokens * choices);
  const outputs = {
    hidden,
    [ROUTER_IDS]: new ort.Tensor('int32', ids, [tokens, choices]),
    [ROUTER_SHARES]: float32(ort, shares, [tokens, choices]),
  };
  return { inputs, outputs, routes: { ids, shares } };
}

interface CacheCall {
  /** The keys and values; what a call adds is written over what the call before it added. */
  readonly feeds: Record<string, Tensor>;
  readonly presents: Record<string, Tensor>;
  /** Of one token a row. */
  own: OwnTensors | null;
}

const callsOf = new WeakMap<CacheTensors, CacheCall>();

/** Made once for all steps that use the same buffers. */
function keptCache(model: BodyModel, cache: CacheTensors): CacheCall {
  const known = callsOf.get(cache);
  if (known !== undefined) return known;
  // The same buffer is past and present, so that a step does not copy the cache.
  const presents = cacheNames(model.arch).map(({ past, present }) => [present, cache[past]!]);
  const call = { feeds: { ...cache }, presents: Object.fromEntries(presents), own: null };
  callsOf.set(cache, call);
  return call;
}

function emptyCache(model: BodyModel, batch: number): CacheCall {
  const { ort, arch } = model;
  const dims = [batch, arch.kvHeads, 0, cachedHeadDim(arch)];
  const empty = float32(ort, new Float32Array(0), dims);
  const feeds = Object.fromEntries(cacheNames(arch).map(({ past }) => [past, empty]));
  return { feeds, presents: {}, own: null };
}

/** Rows `at` of values [*, size], one after another. */
function gatherRows(values: Float32Array, at: readonly number[], size: number): Float32Array {
  const out = new Float32Array(at.length * size);
  at.forEach((row, i) => {
    out.set(values.subarray(row * size, (row + 1) * size), i * size);
  });
  return out;
}

async function onGpu(model: BodyModel, gpu: GpuTensors, call: Call): Promise<Hidden> {
  const { ort, arch, body } = model;
  const { step, batch, width } = call;
  const { cache } = step;
  const feeds = fill(newInputs(model, call), call);
  const hidden = await gpu.scratch('hidden', [batch * width, arch.hiddenSize]);
  const fetches: Record<string, Tensor> = { hidden };
  // Without a cache all layers write one pair of buffers: no layer reads another one's keys.
  const dims = [batch, arch.kvHeads, width, cachedHeadDim(arch)];
  const key = cache === null ? await gpu.scratch('key', dims) : null;
  const value = cache === null ? await gpu.scratch('value', dims) : null;
  for (const { past, present, part } of cacheNames(arch)) {
    const kept = cache?.[past] ?? (part === 'key' ? key : value)!;
    feeds[past] = kept;
    fetches[present] = kept;
  }
  await runSession(body, feeds, fetches);
  const gathered = (at: readonly number[]) => ({ hidden, rows: int64(ort, at, [at.length]) });
  return { width, feeds: gathered, routes: null };
}

interface CacheNames {
  readonly past: string;
  readonly present: string;
  readonly part: 'key' | 'value';
}

const namesOf = new WeakMap<Architecture, readonly CacheNames[]>();

/** Made once: in a decode step of a small model, texts put together anew are seen. */
function cacheNames(arch: Architecture): readonly CacheNames[] {
  const known = namesOf.get(arch);
  if (known !== undefined) return known;
  const names = Array.from({ length: arch.layers }, (_, layer) =>
    (['key', 'value'] as const).map((part): CacheNames => {
      return { past: pastName(layer, part), present: presentName(layer, part), part };
    }),
  ).flat();
  namesOf.set(arch, names);
  return names;
}
