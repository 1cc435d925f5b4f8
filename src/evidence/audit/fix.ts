/** The corrected lines of a document: whole tables, so that they can be pasted back. */
import type { AuditFinding } from './finding.ts';
import type { AuditDocument } from './record.ts';

export interface CorrectedPart {
  readonly path: string;
  /** First line of the part. */
  readonly line: number;
  readonly text: string;
  /** Numbers that were put right. */
  readonly corrections: number;
}

/** Only what is refuted and has one right text. */
export function corrected(
  document: AuditDocument,
  findings: readonly AuditFinding[],
): CorrectedPart[] {
  const byLine = new Map<number, AuditFinding[]>();
  for (const finding of findings) {
    if (finding.severity !== 'refuted' || finding.replacement === undefined) continue;
    const { line } = finding.place;
    byLine.set(line, [...(byLine.get(line) ?? []), finding]);
  }
  const parts = new Map<number, { from: number; to: number }>();
  for (const line of byLine.keys()) {
    const table = document.tables.find((t) => line >= t.line && line <= t.endLine);
    const from = table?.line ?? line;
    parts.set(from, { from, to: table?.endLine ?? line });
  }
  return [...parts.values()]
    .toSorted((a, b) => a.from - b.from)
    .map(({ from, to }) => {
      const lines = document.lines.slice(from - 1, to);
      const mended = lines.map((text, i) => mendLine(text, byLine.get(from + i) ?? []));
      const corrections = lines.reduce((n, _, i) => n + (byLine.get(from + i)?.length ?? 0), 0);
      return { path: document.path, line: from, text: mended.join('\n').trimEnd(), corrections };
    });
}

/** From the right to the left, so that places stay; of two findings on one number the first. */
function mendLine(text: string, findings: readonly AuditFinding[]): string {
  const taken = new Set<number>();
  return findings
    .toSorted((a, b) => b.place.column - a.place.column)
    .reduce((line, { place, replacement = '' }) => {
      if (taken.has(place.column)) return line;
      taken.add(place.column);
      const at = place.column - 1;
      return line.slice(0, at) + replacement + line.slice(at + place.width);
    }, text);
}
