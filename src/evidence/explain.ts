/** From a printed number back to run, file, rows and formula. */
import { join, relative } from 'node:path';
import { computeMetric, FORMULAS } from '../analyze/formulas.ts';
import { samplesOf } from '../analyze/reference.ts';
import { canonicalJson } from '../record/canonical.ts';
import { FormatError, UsageError } from '../record/errors.ts';
import type { Lab } from '../record/lab.ts';
import {
  type LoadedRun,
  listRuns,
  loadEntry,
  loadRun,
  type RunEntry,
} from '../record/run-reader.ts';
import type { Metric } from '../record/schema.ts';
import {
  type Citation,
  type CitedReference,
  citations,
  isOfLog,
  originOf,
  type Printed,
  Standing,
} from './citations.ts';
import { type Footing, footings, type RowsOfFile, rowsOf } from './footing.ts';
import {
  isPrintedIn,
  plainText,
  readWanted,
  roundsTo,
  type WantedNumber,
} from './wanted-number.ts';

/** One number and everything it stands on. */
export interface Explanation {
  readonly run: string;
  readonly metric: string;
  /** Which field of the metric fits: `value`, `ci95[0]`, … */
  readonly field: string;
  readonly value: number | null;
  readonly record: Metric;
  /** What the formula does, in words. */
  readonly formula: string;
  /** Relative to the lab. */
  readonly file: string;
  /** Lines of the file that the formula reads, from 1. */
  readonly rows: RowsOfFile;
  /** The formula gives this record from the rows as they are now. */
  readonly stands: boolean;
  /** Places in generated documents where it is printed, with whatever rounding. */
  readonly printed: readonly Printed[];
}

/** A number of a document that is no metric: a comparison, a reduction, a field of a manifest. */
export interface DerivedExplanation {
  /** As it was asked for. */
  readonly text: string;
  readonly origin: string;
  readonly reference: CitedReference;
  readonly footings: readonly Footing[];
  /** All its places stand. */
  readonly stands: boolean;
  /** Places in generated documents where it is printed, with whatever rounding. */
  readonly printed: readonly Printed[];
}

export interface Explained {
  readonly metrics: readonly Explanation[];
  readonly derived: readonly DerivedExplanation[];
}

interface Context {
  readonly lab: Lab;
  readonly cited: readonly Citation[];
  readonly standing: Standing;
}

/** Throws UsageError when nothing in the lab fits. */
export async function explain(lab: Lab, wanted: string): Promise<Explained> {
  const context = { lab, cited: citations(lab), standing: new Standing(lab) };
  // A run id holds no colon, the name of a metric may: recall:LABEL.
  const colon = wanted.indexOf(':');
  if (colon > 0) {
    return explainMetric(context, wanted.slice(0, colon), wanted.slice(colon + 1));
  }
  const number = readWanted(wanted);
  const hits = context.cited.filter(
    ({ text, format }) => plainText(text) === number.text && isPrintedIn(format, number),
  );
  const metrics: Explanation[] = [];
  for (const entry of listRuns(lab)) {
    const run = entry.kind === 'closed' ? readable(entry) : null;
    for (const fit of run ? fitting(run, number, hits) : []) {
      metrics.push(await explanation(context, run as LoadedRun, fit));
    }
  }
  // A short number fits much: what a document prints comes first.
  const isPrinted = ({ printed }: Explanation): number =>
    Number(printed.some(({ text }) => plainText(text) === number.text));
  metrics.sort((a, b) => isPrinted(b) - isPrinted(a));
  const told = new Set(metrics.map(({ run, metric }) => `${run} ${metric}`));
  const derived = await derivedOf(
    context,
    hits.filter(({ reference: r }) => r.from !== 'metric' || !told.has(`${r.run} ${r.metric}`)),
  );
  if (metrics.length + derived.length > 0) return { metrics, derived };
  const { otherwise } = number;
  throw new UsageError(`no metric of this lab rounds to ${wanted}, and no document prints it`, {
    hint:
      otherwise === null
        ? '`assay runs ls` shows the runs, `assay runs show RUN` their metrics'
        : `if the comma is a decimal one, write a point: \`assay explain ${otherwise}\``,
  });
}

/** null: its summary was damaged, which `verify` tells; the other runs are explained. */
function readable(entry: RunEntry): LoadedRun | null {
  try {
    return loadEntry(entry);
  } catch (error) {
    if (error instanceof FormatError) return null;
    throw error;
  }
}

/** One number of one origin is told once, with all its places. */
async function derivedOf(
  context: Context,
  hits: readonly Citation[],
): Promise<DerivedExplanation[]> {
  const keyOf = ({ reference }: Citation): string => canonicalJson(reference);
  const first = new Map(hits.toReversed().map((hit) => [keyOf(hit), hit]));
  const found: DerivedExplanation[] = [];
  for (const [key, { text, reference }] of [...first].toReversed()) {
    const own = context.cited.filter((citation) => keyOf(citation) === key);
    const printed = await context.standing.printed(own);
    found.push({
      text,
      origin: originOf(reference),
      reference,
      footings: isOfLog(reference)
        ? [{ file: reference.log, by: reference.field }]
        : footings(context.lab, reference),
      stands: printed.every(({ stands }) => stands),
      printed,
    });
  }
  return found;
}

async function explainMetric(context: Context, runId: string, metric: string): Promise<Explained> {
  const run = loadRun(context.lab, runId);
  const record = run.summary?.metrics[metric];
  if (!record) {
    const known = Object.keys(run.summary?.metrics ?? {}).join(', ') || 'none';
    throw new UsageError(`run ${run.runId} has no metric ${metric}`, {
      hint: `its metrics: ${known}`,
    });
  }
  const fit = { metric, record, field: 'value', value: record.value, isWhole: true };
  return { metrics: [await explanation(context, run, fit)], derived: [] };
}

interface Fit {
  readonly metric: string;
  readonly record: Metric;
  readonly field: string;
  readonly value: number | null;
  /** The metric was asked for, not one number of it. */
  readonly isWhole?: boolean;
}

/** Fields of a run's metrics that round to the text as it was printed. */
function fitting(run: LoadedRun, wanted: WantedNumber, cited: readonly Citation[]): Fit[] {
  return Object.entries(run.summary?.metrics ?? {}).flatMap(([metric, record]) => {
    const fields: [string, number | null | undefined][] = [
      ['value', record.value],
      ['ci95[0]', record.ci95?.[0]],
      ['ci95[1]', record.ci95?.[1]],
    ];
    // Counts are explained where a document prints them: by themselves they fit too much.
    const count = (part: 'n' | 'units'): boolean =>
      cited.some(({ reference: r }) => {
        return r.from === 'metric' && r.run === run.runId && r.metric === metric && r.part === part;
      });
    const hit =
      fields.find(([, value]) => value != null && roundsTo(value, record.unit, wanted)) ??
      (['n', 'units'] as const).filter(count).map((part) => [part, record[part]] as const)[0];
    return hit ? [{ metric, record, field: hit[0], value: hit[1] ?? null }] : [];
  });
}

async function explanation(
  { lab, standing, cited }: Context,
  run: LoadedRun,
  fit: Fit,
): Promise<Explanation> {
  const { record, metric } = fit;
  const formula = FORMULAS[record.formula];
  const path = join(run.dir, record.samples);
  // Asked for a number, its own places; asked for a metric, all of it.
  const part = fit.field.replace(/\[(\d)\]/, '.$1');
  const own = cited.filter(
    ({ reference: r }) =>
      r.from === 'metric' &&
      r.run === run.runId &&
      r.metric === metric &&
      (fit.isWhole || r.part === part),
  );
  return {
    run: run.runId,
    ...{ metric, field: fit.field, value: fit.value, record },
    formula: formula?.describe ?? 'unknown formula',
    file: relative(lab.root, path).replaceAll('\\', '/'),
    rows: rowsOf(path, formula?.reads ?? ''),
    stands: isGivenAgain(standing, run.runId, record),
    printed: await standing.printed(own),
  };
}

/** Bit for bit, as `verify` has it. */
function isGivenAgain(standing: Standing, runId: string, record: Metric): boolean {
  const run = standing.run(runId);
  if (!run) return false;
  try {
    const again = computeMetric(record, samplesOf(run));
    const numbers = (m: Metric) => [m.value, m.n, m.units, m.ci95?.[0], m.ci95?.[1]];
    return numbers(again).every((value, i) => Object.is(value, numbers(record)[i]));
  } catch {
    return false;
  }
}
