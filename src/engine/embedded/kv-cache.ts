/**
 * Keys and values of a batch in buffers of fixed capacity, which the graph reads as past and
 * writes as present: a step then costs what it computes, where a growing cache copies itself.
 */
import type { Architecture } from './architecture.ts';
import { cachedHeadDim, pastName } from './attention.ts';
import type { Compute } from './device.ts';
import type { CacheTensors } from './forward.ts';
import { float32, type Runtime } from './runtime.ts';

/** What a generation keeps, wherever it lies. Row numbers are those of the batch as it is now. */
export interface GenerationCache {
  readonly bytes: number;
  /** Rows `from` … `to` − 1 for their prefill; groups come in order, each once. */
  prefill(from: number, to: number): Promise<CacheTensors>;
  /** All rows, after the last prefill. */
  decode(): Promise<CacheTensors>;
  /** Moves the rows `kept` (ascending) to the front: rows that finished leave the batch. */
  keep(kept: readonly number[]): Promise<void>;
  release(): void;
}

/** Bytes of keys and values of one token, without what the kernels pad. */
export function keyValueBytes(arch: Architecture, compute: Compute): number {
  return 2 * arch.layers * arch.kvHeads * arch.headDim * (compute === 'f16' ? 2 : 4);
}

/** Bytes of keys and values of `rows` rows of `capacity` tokens. */
export function cacheBytes(
  arch: Architecture,
  size: { rows: number; capacity: number; compute?: Compute },
): number {
  const width = size.compute === 'f16' ? 2 : 4;
  const perToken = 2 * arch.layers * arch.kvHeads * cachedHeadDim(arch) * width;
  return size.rows * size.capacity * perToken;
}

export class KvCache implements GenerationCache {
  readonly bytes: number;
  readonly #ort: Runtime;
  readonly #arch: Architecture;
  readonly #capacity: number;
  readonly #buffers: { name: string; data: Float32Array }[] = [];
  #rows: number;
  /** Views of all rows: the same at every step until a row leaves. */
  #all: CacheTensors | null = null;

  constructor(ort: Runtime, arch: Architecture, size: { rows: number; capacity: number }) {
    this.#ort = ort;
    this.#arch = arch;
    this.#capacity = size.capacity;
    this.#rows = size.rows;
    this.bytes = cacheBytes(arch, size);
    for (let layer = 0; layer < arch.layers; layer++) {
      for (const part of ['key', 'value'] as const) {
        const data = new Float32Array(size.rows * this.#rowLength);
        this.#buffers.push({ name: pastName(layer, part), data });
      }
    }
  }

  get #rowLength(): number {
    return this.#arch.kvHeads * this.#capacity * cachedHeadDim(this.#arch);
  }

  /** Views of rows `from` … `to` − 1, as the graph takes them. */
  rows(from: number, to: number): CacheTensors {
    const { kvHeads } = this.#arch;
    const dims = [to - from, kvHeads, this.#capacity, cachedHeadDim(this.#arch)];
    const tensors: Record<string, CacheTensors[string]> = {};
    for (const { name, data } of this.#buffers) {
      const part = data.subarray(from * this.#rowLength, to * this.#rowLength);
      tensors[name] = float32(this.#ort, part, dims);
    }
    return tensors;
  }

  async prefill(from: number, to: number): Promise<CacheTensors> {
    return this.rows(from, to);
  }

  async decode(): Promise<CacheTensors> {
    this.#all ??= this.rows(0, this.#rows);
    return this.#all;
  }

  async keep(kept: readonly number[]): Promise<void> {
    if (kept.length === this.#rows) return;
    const length = this.#rowLength;
    this.#rows = kept.length;
    this.#all = null;
    kept.forEach((row, to) => {
      if (row === to) return;
      for (const { data } of this.#buffers) {
        data.copyWithin(to * length, row * length, (row + 1) * length);
      }
    });
  }

  release(): void {
    this.#all = null;
    this.#buffers.length = 0;
  }
}
