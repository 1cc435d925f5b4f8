/** What every refusal of bad input has in common. */
import { expect } from 'vitest';
import { listRuns } from '../../src/record/run-reader.ts';
import type { BenchLab } from './bench-lab.ts';
import type { CommandResult } from './command.ts';

export interface Refusal {
  readonly code: number;
  readonly message: RegExp;
  /** Default: any. */
  readonly hint?: RegExp;
}

/**
 * Runs the command and expects: this exit code, nothing on stdout, a message with a hint and
 * without a stack trace, no line twice, no run that claims success, nothing left in the temporary
 * folder.
 */
export async function refused(
  bench: BenchLab,
  args: readonly string[],
  wanted: Refusal,
): Promise<CommandResult> {
  const before = listRuns(bench.lab).map((run) => run.runId);
  const result = await bench.assay(args);
  expect(result.code, result.stderr).toBe(wanted.code);
  expect(result.stdout).toBe('');
  expect(result.stderr).toMatch(wanted.message);
  expect(result.stderr).toMatch(wanted.hint ?? /^hint: ./m);
  expect(result.stderr).not.toMatch(/\n\s+at .*[:(]\d+|node:internal|ZodError|this is a bug/);
  const lines = result.stderr.match(/^error: .*$/gm) ?? [];
  expect(lines.length).toBeGreaterThan(0);
  expect(new Set(lines).size).toBe(lines.length);
  const claims = listRuns(bench.lab).filter(
    (run) =>
      !before.includes(run.runId) && (run.kind !== 'closed' || run.manifest.status === 'succeeded'),
  );
  expect(claims).toEqual([]);
  expect(bench.leftovers()).toEqual([]);
  return result;
}

export const GIT_LFS_POINTER = `version https://git-lfs.github.com/spec/v1\noid sha256:${'ab'.repeat(32)}\nsize 1234567\n`;
