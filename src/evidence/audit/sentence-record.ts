/** `perplexity: 83.20, avg_loss: 4.42, tokens: 6503` inside a cell or a line is a record too. */
import { type DataRecord, type Field, field, type TextPlace } from './record.ts';

const PAIR = /([A-Za-z][A-Za-z0-9_ ]{0,30}?)\s*[:=]\s*([~≈±]?\s*[+-]?\d[\d,]*(?:\.\d+)?\s*%?)/g;

/** null when there are fewer than two pairs: one is the label that the text already has. */
export function sentenceRecord(
  text: string,
  place: TextPlace,
  parent: DataRecord,
): DataRecord | null {
  const fields: Field[] = [];
  for (const match of text.matchAll(PAIR)) {
    const label = (match[1] as string)
      .trim()
      .split(/\b(?:with|and|has|of)\s+/)
      .at(-1) as string;
    const value = match[2] as string;
    const at = match.index + match[0].length - value.length;
    fields.push(
      field(label, value, {
        line: place.line,
        column: place.column + at,
        width: value.length,
        cell: label,
      }),
    );
  }
  if (fields.length < 2) return null;
  const group = `${parent.group}>${place.cell ?? ''}`;
  return { kind: 'sentence', title: parent.title, group, line: place.line, parent, fields };
}
