/** A whole checkpoint becomes another: written, verified, and given its name at the end. */
import type { LookedAt } from '../looked-at.ts';
import type { ConversionPlan } from './conversion-plan.ts';
import { startCrew, usualWorkers } from './crew.ts';
import { discard, publish } from './destination.ts';
import { verifyCheckpoint } from './verify-checkpoint.ts';
import { type Written, writeCheckpoint } from './write-checkpoint.ts';

export interface CheckpointConversion {
  readonly input: LookedAt;
  readonly plan: ConversionPlan;
  /** A directory that does not exist yet. */
  readonly out: string;
}

export interface ConvertOptions {
  readonly verify: boolean;
  readonly hash: boolean;
  /** Threads; 0: this process. Default: by the size of what is written. */
  readonly workers?: number;
  readonly signal?: AbortSignal;
  readonly onTensor?: (file: string, tensor: string) => void;
}

export type Converted = Pick<Written, 'files' | 'resumed' | 'times'>;

/** @throws what writeCheckpoint and verifyCheckpoint throw */
export async function convertCheckpoint(
  { input, plan, out }: CheckpointConversion,
  { workers = usualWorkers(plan.fileBytes), signal, ...options }: ConvertOptions,
): Promise<Converted> {
  const crew = startCrew(workers, signal ?? new AbortController().signal);
  try {
    const written = await writeCheckpoint(plan, { from: input.path, out }, { ...options, crew });
    try {
      const started = performance.now();
      if (options.verify) verifyCheckpoint(plan, written, input.readAt);
      const readMs = performance.now() - started;
      publish(written.dir, out);
      const { files, resumed, times } = written;
      const verifyMs = times.verifyMs === null ? null : times.verifyMs + readMs;
      const finishMs = times.finishMs + readMs;
      return { files, resumed, times: { ...times, verifyMs, finishMs } };
    } catch (error) {
      discard(written.dir);
      throw error;
    }
  } finally {
    await crew.close();
  }
}
