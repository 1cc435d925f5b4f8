/** A CSV file as records, one a row. */
import { csvRows, delimiterOf } from '../../logs/csv.ts';
import { type AuditDocument, type DataRecord, field, type Passage } from './record.ts';
import { sentenceRecord } from './sentence-record.ts';

export function readCsv(text: string): Pick<AuditDocument, 'records' | 'passages' | 'tables'> {
  const [head, ...body] = csvRows(text, delimiterOf(text));
  const headers = (head ?? []).map((cell) => cell.text.trim());
  const records: DataRecord[] = [];
  const passages: Passage[] = [];
  const rows = body.map((cells): DataRecord => {
    const line = cells[0]?.place.line ?? 1;
    const fields = cells.map((cell, i) => {
      const label = headers[i] ?? `column ${i + 1}`;
      return field(label, cell.text, { ...cell.place, cell: label });
    });
    const row: DataRecord = { kind: 'row', title: '', group: 'rows', line, parent: null, fields };
    records.push(row);
    for (const { text: cell, place } of fields) {
      passages.push({ text: cell, place, record: row });
      const nested = sentenceRecord(cell, place, row);
      if (nested) records.push(nested);
    }
    return row;
  });
  const endLine = rows.at(-1)?.line ?? 1;
  return { records, passages, tables: [{ line: 1, endLine, title: '', headers, rows }] };
}
