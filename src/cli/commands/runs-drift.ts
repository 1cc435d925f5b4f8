/** `assay runs drift A B…`: attempts at one cell, each against the earliest. */
import { type Drift, type DriftFact, driftOf, notOneCell } from '../../analyze/drift.ts';
import type { ResolvableRun } from '../../analyze/reference.ts';
import { UsageError } from '../../record/errors.ts';
import { findLab } from '../../record/lab.ts';
import { loadRun } from '../../record/run-reader.ts';
import { configOf, LATENCY_MARGIN } from '../../report/collect.ts';
import { textTable } from '../../report/table.ts';
import { type CommandIo, writeJson, writeLine } from '../io.ts';
import { resolvable } from '../runs.ts';

interface Options {
  runs: string[];
  json?: boolean;
}

const RESAMPLES = 2_000;
/** What no configuration says. */
const DEFAULTS = { seed: 42, margins: { perplexity: 0.01, accuracy: 0.01 } };

export async function run(options: Options, io: CommandIo): Promise<number> {
  const lab = findLab(io.cwd);
  const ids = [...new Set(options.runs.map((id) => loadRun(lab, id).runId))];
  if (ids.length < 2) {
    throw new UsageError('drift is between two runs or more: only one was named', {
      hint: '`assay runs ls` shows the runs; `assay run FILE --fresh` measures a cell again',
    });
  }
  const all = ids
    .map((id) => resolvable(lab, id))
    .toSorted((a, b) => (a.manifest.startedAt < b.manifest.startedAt ? -1 : 1));
  refuse(all);
  const [first, ...later] = all as [ResolvableRun, ...ResolvableRun[]];
  const { seed, margins: given } = configOf(first.manifest)?.experiment ?? DEFAULTS;
  const margins = { latency: LATENCY_MARGIN, ...given };
  const settings = { seed, resamples: RESAMPLES, margins };
  const found = later.map((each) => driftOf(first, each, settings));
  if (options.json) {
    const { measure, variant } = first.manifest;
    const head = { schema: 'assay.drift/1', measure, variant, margins };
    writeJson(io.stdout, { ...head, drift: found });
    return 0;
  }
  print(first, found, io);
  return 0;
}

function refuse(all: readonly ResolvableRun[]): void {
  const [first] = all as [ResolvableRun];
  const problems = all.flatMap(({ manifest, summary }): string[] => {
    const other = notOneCell(first.manifest, manifest);
    if (other !== null) return [`${first.manifest.runId} and ${manifest.runId}: ${other}`];
    if (summary !== null) return [];
    const why = manifest.reason ? `: ${manifest.reason.split('\n')[0]}` : '';
    return [`${manifest.runId} has no result (${manifest.status}${why})`];
  });
  if (problems.length === 0) return;
  throw new UsageError(problems, {
    hint: 'drift is of one cell over time; `assay compare` sets variants against each other',
  });
}

function print(first: ResolvableRun, found: readonly Drift[], io: CommandIo): void {
  const { measure, variant, runId, startedAt } = first.manifest;
  writeLine(io.stdout, `${measure} of ${variant.model} at ${variant.scheme}`);
  writeLine(io.stdout, `against runs/${runId} of ${startedAt}\n`);
  const rows = found.flatMap((drift) =>
    drift.facts.map((fact) => [drift.later, fact.quantity, changeOf(fact), stateOf(fact)]),
  );
  const columns = ['Run', 'Quantity', 'Change [95 %]', 'State'].map((title) => ({ title }));
  writeLine(io.stdout, textTable(columns, rows));
  for (const { later, environment } of found) {
    writeLine(io.stdout);
    if (environment.length === 0) writeLine(io.stdout, `${later}: the same environment`);
    for (const { name, earlier, later: now } of environment) {
      writeLine(io.stdout, `${later}: ${name}: ${earlier} → ${now}`);
    }
  }
  const facts = found.flatMap((drift) => drift.facts);
  const drifted = [...new Set(facts.filter(isDrifted).map(({ quantity }) => quantity))];
  const same = facts.length > 0 && facts.every(({ state }) => state === 'bit-identical');
  const quiet = same ? 'every run is bit-identical' : 'nothing drifted beyond noise';
  const said = drifted.length > 0 ? `${drifted.join(', ')} drifted` : quiet;
  writeLine(io.stdout, `\nFound: ${said}. Next: assay runs show ${runId.split('/').at(-1)}`);
}

function isDrifted({ state }: DriftFact): boolean {
  return state === 'drifted';
}

function stateOf({ state, reason }: DriftFact): string {
  return reason === undefined ? state : `${state}: ${reason}`;
}

function changeOf({ value, ci95, kind }: DriftFact): string {
  if (value === null) return '—';
  const text = (x: number): string => (kind === 'ratio' ? x.toFixed(4) : (100 * x).toFixed(2));
  const interval = ci95 ? ` [${text(ci95[0])}, ${text(ci95[1])}]` : '';
  return kind === 'ratio' ? `× ${text(value)}${interval}` : `${text(value)}${interval} %`;
}
