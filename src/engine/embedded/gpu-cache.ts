/** Keys and values of a batch in GPU buffers, read as past and written as present in place. */
import type { Architecture } from './architecture.ts';
import { cachedHeadDim, pastName } from './attention.ts';
import type { CacheTensors } from './forward.ts';
import type { GpuTensors } from './gpu-tensors.ts';
import { cacheBytes, type GenerationCache } from './kv-cache.ts';
import type { Tensor } from './runtime.ts';

/** The buffers of some rows, by graph input name. */
interface Part {
  readonly rows: number;
  readonly buffers: ReadonlyMap<string, Tensor>;
  /** The buffers as the graph takes them, made once: a step is short. */
  tensors?: CacheTensors;
}

/**
 * A buffer cannot be cut into rows from outside, so that each prefill gets buffers of its own,
 * which are joined before the first decode step.
 */
export class GpuCache implements GenerationCache {
  readonly bytes: number;
  readonly #gpu: GpuTensors;
  readonly #arch: Architecture;
  readonly #capacity: number;
  #parts: Part[] = [];

  constructor(gpu: GpuTensors, arch: Architecture, size: { rows: number; capacity: number }) {
    this.#gpu = gpu;
    this.#arch = arch;
    this.#capacity = size.capacity;
    this.bytes = cacheBytes(arch, { ...size, compute: gpu.compute });
  }

  async prefill(from: number, to: number): Promise<CacheTensors> {
    const buffers = new Map<string, Tensor>();
    const part: Part = { rows: to - from, buffers };
    this.#parts.push(part);
    const { layers } = this.#arch;
    for (let layer = 0; layer < layers; layer++) {
      for (const kind of ['key', 'value'] as const) {
        buffers.set(pastName(layer, kind), await this.#gpu.zeros(part.rows * this.#rowLength));
      }
    }
    return this.#tensors(part);
  }

  async decode(): Promise<CacheTensors> {
    while (this.#parts.length > 1) {
      const [first, second] = this.#parts as [Part, Part];
      const both = await this.#change([first, second], (a, b) => this.#gpu.join(a!, b!));
      this.#parts.splice(0, 2, { rows: first.rows + second.rows, buffers: both });
    }
    return this.#tensors(this.#parts[0]!);
  }

  async keep(kept: readonly number[]): Promise<void> {
    await this.decode();
    const [part] = this.#parts as [Part];
    if (kept.length === part.rows) return;
    const leading = kept.every((row, index) => row === index);
    const buffers = leading
      ? part.buffers
      : await this.#change([part], (x) => this.#gpu.pick(x!, kept));
    this.#parts = [{ rows: kept.length, buffers }];
  }

  release(): void {
    for (const { buffers } of this.#parts) for (const buffer of buffers.values()) buffer.dispose();
    this.#parts = [];
  }

  /** Makes each buffer anew from those of `parts` and disposes these, so that few live at once. */
  async #change(
    parts: readonly Part[],
    make: (...tensors: (Tensor | undefined)[]) => Promise<Tensor>,
  ): Promise<Map<string, Tensor>> {
    const made = new Map<string, Tensor>();
    for (const name of parts[0]!.buffers.keys()) {
      made.set(name, await make(...parts.map((part) => this.#tensors(part)[name])));
      for (const part of parts) part.buffers.get(name)!.dispose();
    }
    return made;
  }

  #tensors(part: Part): CacheTensors {
    if (part.tensors !== undefined) return part.tensors;
    const dims = [part.rows, this.#arch.kvHeads, this.#capacity, cachedHeadDim(this.#arch)];
    const entries = [...part.buffers].map(([name, buffer]) => [name, this.#gpu.view(buffer, dims)]);
    part.tensors = Object.fromEntries(entries) as CacheTensors;
    return part.tensors;
  }

  get #rowLength(): number {
    return this.#arch.kvHeads * this.#capacity * cachedHeadDim(this.#arch);
  }
}
