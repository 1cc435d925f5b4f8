/** Which runs `assay compare` is about, and which of them is the baseline. */
import type { ResolvableRun } from '../analyze/reference.ts';
import { UsageError } from '../record/errors.ts';
import type { Lab } from '../record/lab.ts';
import { loadRun } from '../record/run-reader.ts';
import type { Manifest } from '../record/schema.ts';
import { chosenRuns, experimentRuns, resolvable } from './runs.ts';

export interface Wanted {
  readonly runs: readonly string[];
  readonly experiment?: string;
  readonly baseline?: string;
}

export interface ComparedRuns {
  readonly experiment: string;
  readonly runs: readonly ResolvableRun[];
  /** The scheme that everything is relative to; absent: that of the experiment. */
  readonly baseline?: string;
  /** Of other models than the named baseline's: compared only across models. */
  readonly others: readonly ResolvableRun[];
}

/** Throws UsageError: no such run, two attempts at one cell, a baseline without a result. */
export function comparedRuns(lab: Lab, wanted: Wanted): ComparedRuns {
  const named = wanted.runs.map((id) => resolvable(lab, loadRun(lab, id).runId));
  const asked = wanted.experiment ?? named[0]?.manifest.experiment;
  const base = wanted.baseline === undefined ? null : baselineRun(lab, wanted.baseline);
  const { experiment, runs } = chosenRuns(lab, asked ?? base?.manifest.experiment);
  refuseAttempts(named);
  const chosen = named.length > 0 ? withBaselines(lab, named) : runs;
  if (!base) return { experiment, runs: chosen, others: [] };
  const { model, scheme } = base.manifest.variant;
  const others = chosen.filter(({ manifest }) => manifest.variant.model !== model);
  const kept = chosen.filter(
    ({ manifest: m }) => m.variant.model === model && m.variant.scheme !== scheme,
  );
  return {
    experiment,
    runs: [...kept, ...baselineVariant(lab, base)],
    baseline: scheme,
    others,
  };
}

function baselineRun(lab: Lab, id: string): ResolvableRun {
  const run = resolvable(lab, loadRun(lab, id).runId);
  const { status, runId, reason } = run.manifest;
  if (status === 'succeeded') return run;
  throw new UsageError(`--baseline: run ${runId} is ${status}${reason ? `: ${reason}` : ''}`, {
    hint: 'a baseline needs a result; `assay runs ls` shows which runs have one',
  });
}

/** The named run for its measure; for every other measure the runs of its variant. */
function baselineVariant(lab: Lab, base: ResolvableRun): ResolvableRun[] {
  const { experiment, variant, measure, runId } = base.manifest;
  const own = experimentRuns(lab, experiment).filter(
    ({ manifest: m }) =>
      m.variant.model === variant.model &&
      m.variant.scheme === variant.scheme &&
      (m.measure !== measure || m.runId === runId),
  );
  return own;
}

/** Runs named alone stand against the baseline of their own experiments. */
function withBaselines(lab: Lab, named: readonly ResolvableRun[]): ResolvableRun[] {
  const known = new Map(named.map((run) => [run.manifest.runId, run]));
  const cells = new Set(named.map((run) => cellOf(run.manifest)));
  for (const experiment of new Set(named.map(({ manifest }) => manifest.experiment))) {
    const own = named.filter(({ manifest }) => manifest.experiment === experiment);
    for (const run of experimentRuns(lab, experiment)) {
      const { manifest } = run;
      const asked = own.some(
        ({ manifest: m }) =>
          m.measure === manifest.measure && m.variant.model === manifest.variant.model,
      );
      const config = Object(Object(manifest.config).experiment) as { baseline?: unknown };
      const isBaseline = config.baseline === manifest.variant.scheme;
      if (!asked || !isBaseline || cells.has(cellOf(manifest))) continue;
      known.set(manifest.runId, run);
    }
  }
  return [...known.values()];
}

function cellOf({ variant, measure }: Manifest): string {
  return `${variant.model}\n${variant.scheme}\n${measure}`;
}

function refuseAttempts(named: readonly ResolvableRun[]): void {
  const seen = new Map<string, string>();
  for (const { manifest } of named) {
    const other = seen.get(cellOf(manifest));
    seen.set(cellOf(manifest), manifest.runId);
    if (other === undefined || other === manifest.runId) continue;
    throw new UsageError(`${other} and ${manifest.runId} measured the same variant`, {
      hint: `\`assay runs drift ${other} ${manifest.runId}\` compares attempts at one cell`,
    });
  }
}
