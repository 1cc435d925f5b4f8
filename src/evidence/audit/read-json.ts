/** JSON: every object is a record, every scalar a field with its place. */
import { FormatError } from '../../record/errors.ts';
import { parseJson } from '../../record/parse-json.ts';
import { type JsonLeaf, jsonLeaves, pathText } from '../json-place.ts';
import { type AuditDocument, type DataRecord, type Field, field, type Passage } from './record.ts';
import { sentenceRecord } from './sentence-record.ts';

type Path = JsonLeaf['path'];

/** Throws FormatError for what is not JSON; Python's NaN and Infinity are let through. */
export function readJson(text: string, path: string): Pick<AuditDocument, 'records' | 'passages'> {
  try {
    parseJson(text.replace(/(?<=[:[,]\s*)-?(?:NaN|Infinity)\b/g, 'null'));
  } catch (cause) {
    throw new FormatError(`${path} is not JSON: ${(cause as Error).message}`, {
      hint: 'a file that is still being written, or a fragment? give the whole file',
      details: { path },
      cause,
    });
  }
  const starts = lineStarts(text);
  const building = new Map<string, { record: DataRecord; fields: Field[] }>();
  const passages: Passage[] = [];
  const nested: DataRecord[] = [];
  const recordAt = (path_: Path, line: number): { record: DataRecord; fields: Field[] } => {
    const key = JSON.stringify(path_);
    const known = building.get(key);
    if (known) return known;
    const fields: Field[] = [];
    const parent = path_.length > 0 ? recordAt(path_.slice(0, -1), line).record : null;
    const title = pathText(path_);
    const group = pathText(path_.slice(0, -1));
    const made = {
      record: { kind: 'object' as const, title, group, line, parent, fields },
      fields,
    };
    building.set(key, made);
    return made;
  };
  for (const leaf of jsonLeaves(text)) {
    const raw = text.slice(leaf.start, leaf.end);
    const isString = raw.startsWith('"');
    const { line, column } = placeAt(starts, leaf.start + (isString ? 1 : 0));
    const key = leaf.path.at(-1);
    const owner = recordAt(leaf.path.slice(0, -1), line);
    const value = isString ? unescaped(raw) : raw === 'null' ? '' : raw;
    const place = { line, column, width: Math.max(1, value.length), cell: pathText(leaf.path) };
    const made = field(typeof key === 'string' ? key : `[${key ?? 0}]`, value, place);
    owner.fields.push(made);
    passages.push({ text: value, place, record: owner.record });
    const sentence = isString && sentenceRecord(value, place, owner.record);
    if (sentence) nested.push(sentence);
  }
  return { records: [...[...building.values()].map((b) => b.record), ...nested], passages };
}

/** Escapes of one character would move the places behind them: they are kept when they are rare. */
function unescaped(raw: string): string {
  const inner = raw.slice(1, -1);
  return inner.includes('\\') ? (JSON.parse(raw) as string) : inner;
}

function lineStarts(text: string): number[] {
  const starts = [0];
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) starts.push(at + 1);
  return starts;
}

function placeAt(starts: readonly number[], offset: number): { line: number; column: number } {
  let low = 0;
  let high = starts.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if ((starts[middle] as number) <= offset) low = middle;
    else high = middle - 1;
  }
  return { line: low + 1, column: offset - (starts[low] as number) + 1 };
}
