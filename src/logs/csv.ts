/** CSV (RFC 4180, also with `;` or tabs) with the place of every cell. */

export interface CsvCell {
  readonly text: string;
  readonly place: { readonly line: number; readonly column: number; readonly width: number };
}

export function delimiterOf(text: string): string {
  const head = text.slice(0, text.indexOf('\n') < 0 ? undefined : text.indexOf('\n'));
  const count = (d: string): number => head.split(d).length;
  return [',', ';', '\t'].reduce((best, d) => (count(d) > count(best) ? d : best));
}

/** Rows of cells; an empty line is no row. A quote that never closes ends with the text. */
export function csvRows(text: string, delimiter: string): CsvCell[][] {
  const rows: CsvCell[][] = [];
  let row: CsvCell[] = [];
  let at = 0;
  let line = 1;
  let lineStart = 0;
  while (at < text.length) {
    const quoted = text[at] === '"';
    const begin = quoted ? at + 1 : at;
    const place = { line, column: begin - lineStart + 1 };
    let end = begin;
    if (quoted) {
      while (end < text.length && !(text[end] === '"' && text[end + 1] !== '"')) {
        if (text[end] === '\n') {
          line++;
          lineStart = end + 1;
        }
        end += text[end] === '"' ? 2 : 1;
      }
    } else {
      while (end < text.length && text[end] !== delimiter && !/[\r\n]/.test(text[end] as string)) {
        end++;
      }
    }
    const raw = text.slice(begin, end);
    const width = Math.max(1, raw.split('\n')[0]?.length ?? 1);
    row.push({ text: quoted ? raw.replaceAll('""', '"') : raw, place: { ...place, width } });
    at = quoted ? end + 1 : end;
    while (at < text.length && text[at] !== delimiter && !/[\r\n]/.test(text[at] as string)) at++;
    if (text[at] === delimiter) {
      at++;
      if (at >= text.length || /[\r\n]/.test(text[at] as string)) {
        row.push({ text: '', place: { line, column: at - lineStart + 1, width: 1 } });
      } else continue;
    }
    if (text[at] === '\r') at++;
    if (text[at] === '\n') at++;
    line++;
    lineStart = at;
    if (row.length > 1 || row[0]?.text !== '') rows.push(row);
    row = [];
  }
  return rows;
}

/** Rows as objects by the header's names; absent cells are absent. */
export function csvObjects(text: string): Record<string, string>[] {
  const [head, ...rows] = csvRows(text, delimiterOf(text));
  const names = (head ?? []).map((cell) => cell.text.trim());
  return rows.map((row) =>
    Object.fromEntries(row.map((cell, i) => [names[i] ?? `column ${i + 1}`, cell.text])),
  );
}
