/** One call of the body graph: token ids in, hidden states out, keys and values in a cache. */
import type { Architecture } from './architecture.ts';
import { cachedHeadDim, pastName, presentName } from './attention.ts';
import { float32, int64, type Runtime, runSession, type Session, type Tensor } from './runtime.ts';

/** Past keys and values by graph input name, all f32 [rows, kvHeads, capacity, cachedHeadDim]. */
export type CacheTensors = Readonly<Record<string, Tensor>>;

export interface Step {
  /** New tokens of each row; rows may differ in length only in a prefill. */
  readonly rows: readonly (readonly number[])[];
  /** Valid tokens of each row, this call included. */
  readonly lengths: readonly number[];
  /** Read and written in place; null: nothing is kept. */
  readonly cache: CacheTensors | null;
}

export interface Hidden {
  /** [rows × width, hiddenSize], row-major; beyond a row's tokens it means nothing. */
  readonly values: Float32Array;
  /** Tokens of the longest row of this call. */
  readonly width: number;
}

export async function forward(
  model: { ort: Runtime; body: Session; arch: Architecture },
  step: Step,
): Promise<Hidden> {
  const { ort, body, arch } = model;
  const width = Math.max(...step.rows.map((row) => row.length));
  const ids = new BigInt64Array(step.rows.length * width);
  step.rows.forEach((row, r) => {
    row.forEach((id, i) => {
      ids[r * width + i] = BigInt(id);
    });
  });
  const batch = step.rows.length;
  const feeds: Record<string, Tensor> = {
    input_ids: new ort.Tensor('int64', ids, [batch, width]),
    lengths: int64(ort, step.lengths, [batch]),
    total: int64(ort, [Math.max(...step.lengths)], []),
  };
  const fetches: Record<string, Tensor | null> = { hidden: null };
  const empty = [batch, arch.kvHeads, 0, cachedHeadDim(arch)];
  for (let layer = 0; layer < arch.layers; layer++) {
    for (const part of ['key', 'value'] as const) {
      const past = pastName(layer, part);
      const kept = step.cache?.[past];
      feeds[past] = kept ?? float32(ort, new Float32Array(0), empty);
      // The same buffer is past and present, so that a step does not copy the cache.
      if (kept !== undefined) fetches[presentName(layer, part)] = kept;
    }
  }
  const { hidden } = await runSession(body, feeds, fetches);
  return { values: hidden!.data as Float32Array, width };
}
