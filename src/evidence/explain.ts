/** From a printed number back to run, file, rows and formula. */
import { join, relative } from 'node:path';
import { FORMULAS } from '../analyze/formulas.ts';
import { describeReference, type NumberReference } from '../analyze/reference.ts';
import { canonicalJson } from '../record/canonical.ts';
import { UsageError } from '../record/errors.ts';
import type { Lab } from '../record/lab.ts';
import { renderNumber } from '../record/numerals.ts';
import { readRegular } from '../record/regular-file.ts';
import { type LoadedRun, listRuns, loadRun } from '../record/run-reader.ts';
import type { Metric } from '../record/schema.ts';
import { type Footing, footings, type RowsOfFile, rowsOf } from './footing.ts';
import { sidecars } from './verify.ts';

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
  /** Places in generated documents where it is printed. */
  readonly printed: readonly string[];
}

/** A number of a document that is no metric: a comparison, a reduction, a field of a manifest. */
export interface DerivedExplanation {
  /** Places in generated documents where it is printed. */
  readonly printed: readonly string[];
  readonly text: string;
  readonly origin: string;
  readonly reference: NumberReference;
  readonly stands: readonly Footing[];
}

export interface Explained {
  readonly metrics: readonly Explanation[];
  readonly derived: readonly DerivedExplanation[];
}

/** Throws UsageError when nothing in the lab fits. */
export function explain(lab: Lab, wanted: string): Explained {
  // A run id holds no colon, the name of a metric may: recall:LABEL.
  const colon = wanted.indexOf(':');
  if (colon > 0) return explainMetric(lab, wanted.slice(0, colon), wanted.slice(colon + 1));
  const text = wanted.replaceAll(',', '').replace(/\s*%$/, '');
  if (!/^[+\-−]?\d+(\.\d+)?(e[+-]?\d+)?$/i.test(text)) {
    throw new UsageError(`${wanted} is neither a number nor RUN:METRIC`, {
      hint: 'try `assay explain 8.85` or `assay explain RUN:perplexity`',
    });
  }
  const cited = citations(lab).filter((c) => c.text.replaceAll(',', '') === text);
  const metrics = listRuns(lab)
    .filter((entry) => entry.kind === 'closed')
    .flatMap((entry) => fitting(lab, loadRun(lab, entry.runId), text, cited))
    // A short number fits much: what a document prints comes first.
    .sort((a, b) => Number(b.printed.length > 0) - Number(a.printed.length > 0));
  const told = new Set(metrics.map(({ run, metric }) => `${run} ${metric}`));
  const derived = derivedOf(
    lab,
    cited.filter(({ reference: r }) => r.from !== 'metric' || !told.has(`${r.run} ${r.metric}`)),
  );
  if (metrics.length === 0 && derived.length === 0) {
    throw new UsageError(`no metric of this lab rounds to ${wanted}, and no document prints it`, {
      hint: '`assay runs ls` shows the runs, `assay runs show RUN` their metrics',
    });
  }
  return { metrics, derived };
}

/** One number of one origin is told once, with all its places. */
function derivedOf(lab: Lab, cited: readonly CitationAt[]): DerivedExplanation[] {
  const byOrigin = new Map<string, DerivedExplanation & { printed: string[] }>();
  for (const { place, text, reference } of cited) {
    const key = canonicalJson({ text, reference });
    const known = byOrigin.get(key);
    if (known) known.printed.push(place);
    else {
      const origin = describeReference(reference);
      const stands = footings(lab, reference);
      byOrigin.set(key, { printed: [place], text, origin, reference, stands });
    }
  }
  return [...byOrigin.values()];
}

function explainMetric(lab: Lab, runId: string, metric: string): Explained {
  const run = loadRun(lab, runId);
  const record = run.summary?.metrics[metric];
  if (!record) {
    const known = Object.keys(run.summary?.metrics ?? {}).join(', ') || 'none';
    throw new UsageError(`run ${run.runId} has no metric ${metric}`, {
      hint: `its metrics: ${known}`,
    });
  }
  const cited = citations(lab);
  const fit = { metric, record, field: 'value', value: record.value };
  return { metrics: [explanation(lab, run, fit, cited)], derived: [] };
}

interface Fit {
  readonly metric: string;
  readonly record: Metric;
  readonly field: string;
  readonly value: number | null;
}

interface CitationAt {
  readonly place: string;
  readonly text: string;
  readonly reference: NumberReference;
}

function citations(lab: Lab): CitationAt[] {
  return sidecars(lab).flatMap((path): CitationAt[] => {
    try {
      const { document, numbers } = JSON.parse(readRegular(path).toString('utf8'));
      const file = relative(lab.root, join(path, '..', document)).replaceAll('\\', '/');
      return numbers.map((n: { line: number; column: number } & CitationAt) => ({
        place: `${file}:${n.line}:${n.column}`,
        text: n.text,
        reference: n.reference,
      }));
    } catch {
      // `verify` reports an unreadable sidecar; an explanation can do without it.
      return [];
    }
  });
}

/** Fields of a run's metrics that round to the text as it was printed. */
function fitting(
  lab: Lab,
  run: LoadedRun,
  text: string,
  cited: readonly CitationAt[],
): Explanation[] {
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
      fields.find(([, value]) => value != null && roundsTo(value, record.unit, text)) ??
      (['n', 'units'] as const).filter(count).map((part) => [part, record[part]] as const)[0];
    if (!hit) return [];
    const fit = { metric, record, field: hit[0], value: hit[1] ?? null };
    return [explanation(lab, run, fit, cited)];
  });
}

function roundsTo(value: number, unit: string, text: string): boolean {
  const plain = text.replace('−', '-').replace(/^\+/, '');
  const digits = plain.split('.')[1]?.length ?? 0;
  const scales = unit === 'fraction' ? [1, 100] : unit === 'bytes' ? [1, 2 ** -20, 2 ** -30] : [1];
  const format = { style: 'fixed', digits } as const;
  return scales.some((scale) => renderNumber(value * scale, format) === plain);
}

function explanation(
  lab: Lab,
  run: LoadedRun,
  fit: Fit,
  cited: readonly CitationAt[],
): Explanation {
  const { record, metric } = fit;
  const formula = FORMULAS[record.formula];
  const path = join(run.dir, record.samples);
  return {
    run: run.runId,
    ...fit,
    formula: formula?.describe ?? 'unknown formula',
    file: relative(lab.root, path).replaceAll('\\', '/'),
    rows: rowsOf(path, formula?.reads ?? ''),
    printed: cited
      .filter(
        ({ reference: r }) => r.from === 'metric' && r.run === run.runId && r.metric === metric,
      )
      .map(({ place, text }) => `${place} (${text})`),
  };
}
