/** Verdicts of an audit for a terminal: finding by finding, a caret under the number. */
import type { AuditedDocument } from '../evidence/audit/audit.ts';
import type { AuditFinding, Severity } from '../evidence/audit/finding.ts';
import { renderDiscrepancy } from '../evidence/discrepancy.ts';

const WORDS: Readonly<Record<Severity, string>> = {
  refuted: 'refuted',
  suspicious: 'suspicious',
  'not-evidenced': 'not evidenced',
};

export function findingText(finding: AuditFinding): string {
  const { severity, check, place, written, arithmetic, follows, replacement } = finding;
  const shown = renderDiscrepancy({
    code: check,
    message: `${WORDS[severity]}: ${written}`,
    place,
  });
  return [
    ...shown.split('\n'),
    `    ${arithmetic}`,
    `    so: ${follows}`,
    ...(replacement === undefined ? [] : [`    instead: ${replacement}`]),
  ].join('\n');
}

/** One line a file: what was read, what held, what did not. */
export function summaryText(file: AuditedDocument): string {
  const of = (severity: Severity): number =>
    file.findings.filter((f) => f.severity === severity).length;
  const parts = (Object.keys(WORDS) as Severity[])
    .map((severity) => ({ severity, n: of(severity) }))
    .filter(({ n }) => n > 0)
    .map(({ severity, n }) => `${n} ${WORDS[severity]}`);
  const found = parts.length > 0 ? parts.join(', ') : 'nothing found';
  const held = `${file.held} ${file.held === 1 ? 'statement holds' : 'statements hold'}`;
  const mended = file.encoding === null ? '' : `; read as ${file.encoding}`;
  const commas = file.decimalCommas ? '; with decimal commas' : '';
  return `${file.path}: ${file.numbers} numbers read, ${held}, ${found}${mended}${commas}`;
}

/** The numbers that a reader has to believe. */
export function undecidedText({ notEvidenced }: AuditedDocument): string | null {
  if (notEvidenced.length === 0) return null;
  const shown = notEvidenced.slice(0, 5).map((n) => `${n.text} (line ${n.line})`);
  const more = notEvidenced.length > shown.length ? ', …' : '';
  const n = notEvidenced.length;
  const head = `    not evidenced, nothing given decides ${n === 1 ? 'it' : 'them'}`;
  return `${head}: ${n} ${n === 1 ? 'number' : 'numbers'}: ${shown.join(', ')}${more}`;
}

/** Which checks found something to decide, and how it went. */
export function checksText(file: AuditedDocument): string {
  return file.checks.map((c) => `    ${c.check}: ${c.held} hold, ${c.found} do not`).join('\n');
}
