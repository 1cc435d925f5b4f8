/** One output file as tasks: what is converted, and what is compared when it is there. */
import { bandsOf } from './bands.ts';
import type { ConversionStep, OutputFile } from './conversion-plan.ts';
import type { Crew } from './crew.ts';
import { needsAbsmax } from './quantize-band.ts';
import type { PlacedBand, Task } from './task.ts';

/** Bytes of a tensor that is converted; small ones share a task. */
const TASK_BYTES = 2 ** 21;

/** Plain kernels take ten times as long as WASM: of so many bands one is verified with them. */
const PLAIN_EVERY = 64;

/** By name of the tensor. */
export type Absmaxima = ReadonlyMap<string, number>;

/** Of tensors that get one scale: their largest magnitudes. */
export async function absmaximaOf({ steps }: OutputFile, crew: Crew): Promise<Absmaxima> {
  const found = await Promise.all(
    steps.filter(needsAbsmax).map(async (step) => {
      const bands = bandsOf(step).map((span) => crew.run({ kind: 'absmax', step, span }));
      const absmax = Math.max(0, ...(await Promise.all(bands)).map(Number));
      return [step.tensor.name, absmax] as const;
    }),
  );
  return new Map(found);
}

interface Batch {
  readonly bands: PlacedBand[];
  /** Steps of which this batch has the last band. */
  readonly ends: ConversionStep[];
  bytes: number;
}

/** Bands in the order of the input file: what is read lies together. */
function batchesOf({ steps, layout }: OutputFile, absmaxima: Absmaxima): Batch[] {
  const batches: Batch[] = [];
  let count = 0;
  for (const step of steps) {
    const absmax = absmaxima.get(step.tensor.name) ?? 0;
    const offsets = Object.fromEntries(
      step.outputs.map(({ name }) => [name, layout.offsets.get(name)!]),
    );
    const bands = bandsOf(step);
    const bytes = step.tensor.codes.bytes / Math.max(1, bands.length);
    for (const span of bands) {
      const plain = count++ % PLAIN_EVERY === 0;
      put(batches, { step, span, absmax, offsets, plain }, bytes);
    }
    batches.at(-1)?.ends.push(step);
  }
  return batches;
}

function put(batches: Batch[], band: PlacedBand, bytes: number): void {
  const last = batches.at(-1);
  if (last === undefined || last.bytes + bytes > TASK_BYTES) {
    batches.push({ bands: [band], ends: [], bytes });
    return;
  }
  last.bands.push(band);
  last.bytes += bytes;
}

export interface ShardOptions {
  readonly crew: Crew;
  readonly absmaxima: Absmaxima;
  /** Where the file lies now. */
  readonly path: string;
  readonly onTensor?: (tensor: string) => void;
}

/** All bands, written or compared. @throws what the first task that fails throws */
export async function workThrough(
  file: OutputFile,
  kind: 'convert' | 'verify',
  { crew, absmaxima, path, onTensor }: ShardOptions,
): Promise<void> {
  await Promise.all(
    batchesOf(file, absmaxima).map(async ({ bands, ends }) => {
      const task: Task = { kind, path, bands };
      await crew.run(task);
      for (const { tensor } of ends) onTensor?.(tensor.name);
    }),
  );
}
