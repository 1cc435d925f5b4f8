/** The tables that answer the question, as text that fits a terminal, and the sentence below. */
import type { ExperimentReport } from './collect.ts';
import { conclusionLines, foundSentences } from './conclusion.ts';
import type { Piece } from './document.ts';
import { DUMMY_WORDS } from './marks.ts';
import { overviewTable } from './overview.ts';
import { plainText } from './plain.ts';
import { speedTables } from './speed-table.ts';
import { textTable } from './table.ts';

interface Tabular {
  readonly header: readonly string[];
  readonly rows: readonly (readonly Piece[])[];
  readonly groups: readonly (readonly number[])[];
}

/** `columns`: width of the terminal; undefined for a file or a pipe, where nothing is cut up. */
export function overviewText(report: ExperimentReport, columns: number | undefined): string[] {
  const overview = overviewTable(report);
  const speeds = speedTables(report);
  const parts = tablesOf(overview, columns);
  for (const table of speeds) {
    const of = speeds.length > 1 || table.dummy ? ` of ${table.model}` : '';
    const [first, ...rest] = tablesOf(table, columns);
    parts.push(`Speed${of}\n${first}`, ...rest);
    if (table.unranked) parts.push(`not ranked: ${table.unranked}`);
  }
  if (speeds.length > 0) {
    parts.push('b1: batch size 1; tok/s: generated tokens; P95: of the time from start to end');
  }
  if (overview.simulated) {
    parts.push('† simulated: exact stored values, f32 arithmetic; speed is not ranked');
  }
  if (overview.dummy) parts.push(`${DUMMY_WORDS}: random values, quality figures mean nothing`);
  return parts;
}

/** A terminal that is too narrow gets the same columns as several tables. */
function tablesOf({ header, rows, groups }: Tabular, columns: number | undefined): string[] {
  const plain = rows.map((row) => row.map(plainText));
  const table = (chosen: readonly number[]): string =>
    textTable(
      chosen.map((i) => ({ title: header[i] as string, align: i === 0 ? 'left' : 'right' })),
      plain.map((row) => chosen.map((i) => row[i] as string)),
    );
  const whole = table(header.map((_, i) => i));
  const wide = (whole.split('\n')[1] ?? '').length;
  return columns === undefined || columns >= wide ? [whole] : groups.map(table);
}

/** One line a variant: what it loses, and how fast it is. */
export function conclusionText(report: ExperimentReport): string | null {
  const lines = conclusionLines(report).map((line) => plainText(line));
  return lines.length > 0 ? lines.join('\n') : null;
}

/** What was found, in a sentence or two a model; null when nothing was compared. */
export function foundText(report: ExperimentReport): string | null {
  const said = foundSentences(report);
  return said === null ? null : plainText(said);
}
