/** The runs of `assay exec` and of experiments: the manifest beside run.log says how it ended. */
import { readFileSync } from 'node:fs';
import { sha256Hex } from '../record/canonical.ts';
import { manifestSchema, type RunStatus } from '../record/schema.ts';
import type { Evidence, Outcome } from './log-index.ts';

export interface OwnRun {
  readonly outcome: Outcome;
  readonly reason: string;
  readonly startedAt: string;
  readonly endedAt: string | null;
  readonly durationS: number | null;
  readonly host: string;
  readonly jobId: string | null;
  readonly command: string | null;
  /** The line with the status. */
  readonly evidence: Evidence;
}

const OUTCOMES: Readonly<Record<RunStatus, Outcome>> = {
  running: 'unfinished',
  succeeded: 'succeeded',
  failed: 'failed',
  cancelled: 'cancelled',
  invalid: 'failed',
};

/** null when the manifest is no manifest of ours. `path`: as evidence names it. */
export function readOwnRun(file: string, path: string): OwnRun | null {
  try {
    const text = readFileSync(file, 'utf8');
    const manifest = manifestSchema.parse(JSON.parse(text));
    // It does not know yet how it ends.
    if (manifest.status === 'running') return null;
    const { status, reason, startedAt, endedAt, elapsedMs, environment, config } = manifest;
    const command = Array.isArray(config.command) ? config.command.join(' ') : null;
    return {
      outcome: OUTCOMES[status],
      reason: `the recorded status is ${status}${reason === null ? '' : `: ${reason}`}`,
      startedAt,
      endedAt,
      durationS: elapsedMs === null ? null : Math.round(elapsedMs) / 1000,
      host: environment.hostname,
      jobId: environment.variables.SLURM_JOB_ID ?? null,
      command,
      evidence: lineWith(text, '  "status": ', path),
    };
  } catch {
    return null;
  }
}

function lineWith(text: string, start: string, path: string): Evidence {
  const at = Math.max(0, text.indexOf(`\n${start}`) + 1);
  const line = text.slice(at, text.indexOf('\n', at));
  const startByte = Buffer.byteLength(text.slice(0, at));
  return {
    path,
    line: text.slice(0, at).split('\n').length,
    start: startByte,
    end: startByte + Buffer.byteLength(line),
    text: line.trim(),
    sha256: sha256Hex(line),
  };
}
