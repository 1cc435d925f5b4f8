/** Markdown as people write logs: headings, `key: value` bullets, pipe tables, fenced code. */
import {
  type AuditDocument,
  type CodeBlock,
  type DataRecord,
  type Field,
  field,
  type Passage,
  type Table,
} from './record.ts';
import { sentenceRecord } from './sentence-record.ts';

type Parts = Pick<AuditDocument, 'records' | 'passages' | 'tables' | 'code'>;

interface Reader {
  readonly lines: readonly string[];
  readonly records: DataRecord[];
  readonly passages: Passage[];
  readonly tables: Table[];
  readonly code: CodeBlock[];
  /** The section that is being read; its fields grow. */
  section: { title: string; line: number; fields: Field[]; record: DataRecord };
}

const HEADING = /^ {0,3}(#{1,6})\s+(.*?)\s*#*\s*$/;
const FENCE = /^\s*(```+|~~~+)\s*([A-Za-z0-9+-]*)/;
const RULE_ROW = /^\s*\|?\s*:?-{2,}:?\s*(?:\|\s*:?-{2,}:?\s*)*\|?\s*$/;
/** `- **Key:** value`, `Key: value`, `1. **Key**: value`, `- [ ] Key: value`. */
const PAIR = new RegExp(
  String.raw`^(\s*(?:[-*+]|\d{1,3}[.)])?\s*(?:\[[ xX]\]\s*)?)(\*\*|__)?` +
    String.raw`([\p{L}][^:|\x60]{0,60}?)(\*\*|__)?\s*:(\*\*|__)?\s*(?=\S|$)`,
  'u',
);

export function readMarkdown(lines: readonly string[]): Parts {
  const reader: Reader = {
    lines,
    records: [],
    passages: [],
    tables: [],
    code: [],
    section: newSection('', 1),
  };
  const trail: string[] = [];
  for (let i = 0; i < lines.length; i++) {
    const line = lines[i] as string;
    const fence = FENCE.exec(line);
    if (fence) {
      i = readFence(reader, i, fence);
      continue;
    }
    const heading = HEADING.exec(line);
    if (heading) {
      const depth = (heading[1] as string).length;
      trail.length = Math.min(trail.length, depth - 1);
      while (trail.length < depth - 1) trail.push('');
      trail.push((heading[2] as string).replaceAll(/[*`]/g, ''));
      closeSection(reader, newSection(trail.filter(Boolean).join(' › '), i + 1));
    }
    if (line.includes('|') && RULE_ROW.test(lines[i + 1] ?? '') && cells(line).length > 1) {
      i = readTable(reader, i) - 1;
      continue;
    }
    readLine(reader, line, i + 1);
  }
  closeSection(reader, newSection('', lines.length));
  return reader;
}

function newSection(title: string, line: number): Reader['section'] {
  const fields: Field[] = [];
  const record: DataRecord = {
    kind: 'section',
    title,
    group: 'sections',
    line,
    parent: null,
    fields,
  };
  return { title, line, fields, record };
}

function closeSection(reader: Reader, next: Reader['section']): void {
  if (reader.section.fields.length > 0) reader.records.push(reader.section.record);
  reader.section = next;
}

function readFence(reader: Reader, start: number, fence: RegExpExecArray): number {
  const marker = fence[1] as string;
  let end = start + 1;
  while (end < reader.lines.length && !(reader.lines[end] as string).trim().startsWith(marker)) {
    end++;
  }
  const language = (fence[2] ?? '').toLowerCase();
  reader.code.push({ language, line: start + 2, lines: reader.lines.slice(start + 1, end) });
  return end;
}

function readLine(reader: Reader, line: string, number: number): void {
  if (line.trim() === '') return;
  const { section } = reader;
  const pair = PAIR.exec(line);
  if (pair && !/^https?$/i.test(pair[3] as string)) {
    const label = (pair[3] as string).trim();
    const offset = pair[0].length;
    const value = line.slice(offset).trimEnd();
    const place = { line: number, column: offset + 1, width: value.length || 1, cell: label };
    section.fields.push(field(label, value, place));
    addSentence(reader, { text: value, place, record: section.record });
  }
  const place = { line: number, column: 1, width: line.length };
  reader.passages.push({ text: line, place, record: section.record });
}

function addSentence(reader: Reader, { text, place, record }: Passage): void {
  const nested = record && sentenceRecord(text, place, record);
  if (nested) reader.records.push(nested);
}

/** Cells with the offset of their trimmed text. A `\|` does not end one. */
function cells(line: string): { text: string; at: number }[] {
  const found: { text: string; at: number }[] = [];
  let start = /^\s*\|/.exec(line)?.[0].length ?? 0;
  for (let i = start; i <= line.length; i++) {
    if (i < line.length && (line[i] !== '|' || line[i - 1] === '\\')) continue;
    const raw = line.slice(start, i);
    if (i < line.length || raw.trim() !== '') {
      const lead = raw.length - raw.trimStart().length;
      found.push({ text: raw.trim(), at: start + lead });
    }
    start = i + 1;
  }
  return found;
}

function readTable(reader: Reader, start: number): number {
  const headers = cells(reader.lines[start] as string).map((cell) => cell.text);
  const group = `table:${start + 1}`;
  const rows: DataRecord[] = [];
  let at = start + 2;
  for (; at < reader.lines.length; at++) {
    const line = reader.lines[at] as string;
    if (!line.includes('|') || line.trim() === '') break;
    const fields: Field[] = [];
    const { title, record } = reader.section;
    const row: DataRecord = { kind: 'row', title, group, line: at + 1, parent: record, fields };
    for (const [i, cell] of cells(line).entries()) {
      const label = (headers[i] ?? `column ${i + 1}`).replaceAll(/[*`]/g, '');
      const place = {
        line: at + 1,
        column: cell.at + 1,
        width: cell.text.length || 1,
        cell: label,
      };
      fields.push(field(label, cell.text, place));
      reader.passages.push({ text: cell.text, place, record: row });
      addSentence(reader, { text: cell.text, place, record: row });
    }
    rows.push(row);
  }
  reader.records.push(...rows);
  const title = reader.section.title;
  reader.tables.push({ line: start + 1, endLine: at, title, headers, rows });
  return at;
}
