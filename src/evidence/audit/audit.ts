/** All checks over all documents. */
import { isBaseline, isQuantized } from './baseline.ts';
import type { Check, CheckContext } from './check.ts';
import { claimedProvenanceCheck } from './checks/claimed-provenance.ts';
import { borrowedBaselineCheck, conflictCheck, duplicateCheck } from './checks/conflicts.ts';
import { constantMetricCheck } from './checks/constant-metric.ts';
import { costCheck } from './checks/cost.ts';
import { countCheck } from './checks/counts.ts';
import { entropyCheck } from './checks/entropy.ts';
import { fileReferenceCheck } from './checks/file-references.ts';
import { fractionCheck } from './checks/fraction.ts';
import { jobTableCheck } from './checks/job-table.ts';
import { logCoverageCheck } from './checks/log-coverage.ts';
import { percentileOrderCheck, percentileSupportCheck } from './checks/percentiles.ts';
import { perplexityCheck } from './checks/perplexity.ts';
import { placeholderCheck } from './checks/placeholders.ts';
import { plannedMatrixCheck } from './checks/planned-matrix.ts';
import { plausibleCheck } from './checks/plausible.ts';
import { recipeCheck } from './checks/recipes.ts';
import { repeatSpeedCheck } from './checks/repeat-speed.ts';
import { routingCheck } from './checks/routing.ts';
import { sameWorkCheck } from './checks/same-work.ts';
import { severalBaselinesCheck } from './checks/several-baselines.ts';
import { shareCheck } from './checks/share.ts';
import { speedupCheck } from './checks/speedup.ts';
import { spreadCheck } from './checks/spread.ts';
import { sumCheck } from './checks/sums.ts';
import { batchLoopCheck, throughputCheck } from './checks/throughput.ts';
import { weightMemoryCheck } from './checks/weight-memory.ts';
import type { AuditFinding, Severity } from './finding.ts';
import type { Quantity } from './quantity.ts';
import { type AuditDocument, type DataRecord, type Field, placeOf } from './record.ts';
import type { Role } from './role.ts';

export const CHECKS: readonly Check[] = [
  perplexityCheck,
  speedupCheck,
  shareCheck,
  throughputCheck,
  batchLoopCheck,
  fractionCheck,
  sumCheck,
  countCheck,
  entropyCheck,
  costCheck,
  spreadCheck,
  weightMemoryCheck,
  severalBaselinesCheck,
  percentileOrderCheck,
  percentileSupportCheck,
  plausibleCheck,
  constantMetricCheck,
  placeholderCheck,
  fileReferenceCheck,
  recipeCheck,
  jobTableCheck,
  logCoverageCheck,
  conflictCheck,
  borrowedBaselineCheck,
  duplicateCheck,
  plannedMatrixCheck,
  repeatSpeedCheck,
  claimedProvenanceCheck,
  sameWorkCheck,
  routingCheck,
];

export interface AuditedDocument {
  readonly path: string;
  readonly encoding: string | null;
  readonly decimalCommas: boolean;
  /** Numbers that were read as quantities. */
  readonly numbers: number;
  /** Statements that a check decided, and that can be true. */
  readonly held: number;
  /** By check, with what held and what did not. */
  readonly checks: readonly {
    readonly check: string;
    readonly held: number;
    readonly found: number;
  }[];
  readonly findings: readonly AuditFinding[];
  /** Measured numbers that nothing given decides: no redundancy, no log, no samples. */
  readonly notEvidenced: readonly UndecidedNumber[];
}

export interface UndecidedNumber {
  readonly line: number;
  readonly column: number;
  readonly label: string;
  readonly text: string;
}

const MEASURED: ReadonlySet<Role | null> = new Set<Role | null>([
  ...(['loss', 'perplexity', 'tokenAccuracy', 'accuracy', 'score', 'speedup'] as const),
  ...(['reduction', 'degradation', 'throughput', 'latency', 'duration'] as const),
  ...(['memory', 'size', 'entropy', 'spread', 'interval'] as const),
]);

/** That a baseline is 1.0 times itself is how it is meant, not measured. */
function isDefinition({ role }: Field, record: DataRecord): boolean {
  const isRelative = role === 'speedup' || role === 'reduction' || role === 'degradation';
  return isRelative && isBaseline(record) && !isQuantized(record);
}

function undecided(document: AuditDocument, decided: ReadonlySet<Quantity>): UndecidedNumber[] {
  return document.records.flatMap((record) =>
    record.fields
      .filter((field) => MEASURED.has(field.role) && !isDefinition(field, record))
      .flatMap((field) =>
        field.quantities
          .filter((quantity) => !decided.has(quantity))
          .map((quantity) => {
            const { line, column } = placeOf(field.place, quantity);
            return { line, column, label: field.label, text: quantity.text };
          }),
      ),
  );
}

const ORDER: Readonly<Record<Severity, number>> = { refuted: 0, suspicious: 1, 'not-evidenced': 2 };

export function auditDocument(document: AuditDocument, context: CheckContext): AuditedDocument {
  const verdicts = CHECKS.map((check) => ({ check, ...check.run(document, context) }));
  const findings = verdicts.flatMap((v) => v.findings);
  findings.sort(
    (a, b) =>
      ORDER[a.severity] - ORDER[b.severity] ||
      a.place.line - b.place.line ||
      a.place.column - b.place.column,
  );
  return {
    path: document.path,
    encoding: document.encoding,
    decimalCommas: document.decimalCommas,
    numbers: document.records.reduce(
      (n, r) => n + r.fields.reduce((m, f) => m + f.quantities.length, 0),
      0,
    ),
    held: verdicts.reduce((n, v) => n + v.held, 0),
    checks: verdicts
      .filter((v) => v.held > 0 || v.findings.length > 0)
      .map((v) => ({ check: v.check.name, held: v.held, found: v.findings.length })),
    findings,
    notEvidenced: undecided(document, new Set(verdicts.flatMap((v) => [...v.decided]))),
  };
}
