/** Something that is not what it was: which number, where, expected and found. */

export interface Place {
  /** Relative to the lab, forward slashes. */
  readonly file: string;
  /** From 1. */
  readonly line: number;
  readonly column: number;
  /** The whole line as it stands now. */
  readonly text: string;
  /** How many characters the caret underlines. */
  readonly width: number;
}

export interface Discrepancy {
  readonly code: string;
  readonly message: string;
  readonly run?: string;
  readonly place?: Place;
  readonly expected?: string;
  readonly found?: string;
}

/** Line, column and text of an offset. */
export function placeIn(
  file: string,
  content: string,
  range: { start: number; end: number },
): Place {
  const before = content.slice(0, range.start);
  const lineStart = before.lastIndexOf('\n') + 1;
  const lineEnd = content.indexOf('\n', range.start);
  return {
    file,
    line: before.split('\n').length,
    column: range.start - lineStart + 1,
    text: content.slice(lineStart, lineEnd < 0 ? undefined : lineEnd),
    width: Math.max(1, range.end - range.start),
  };
}

const AROUND = 40;

/**
 * As a compiler shows it: place, the line (a window of it when it is long), and a caret under the
 * number.
 */
export function renderDiscrepancy(d: Discrepancy): string {
  const lines = [d.message];
  if (d.place) {
    const { file, line, column, text, width } = d.place;
    const from = Math.max(0, column - 1 - AROUND);
    const to = Math.min(text.length, column - 1 + width + AROUND);
    const shown = `${from > 0 ? '…' : ''}${text.slice(from, to)}${to < text.length ? '…' : ''}`;
    const indent = column - 1 - from + (from > 0 ? 1 : 0);
    lines.unshift(`${file}:${line}:${column}`);
    lines.push(`    ${shown}`, `    ${' '.repeat(indent)}${'^'.repeat(width)}`);
  }
  if (d.expected !== undefined) lines.push(`    expected ${d.expected}, found ${d.found ?? '—'}`);
  return lines.join('\n');
}
