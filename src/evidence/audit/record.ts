/**
 * What every format is read into: records (a table's row, a section's bullets, a JSON object), each
 * with fields that know their place. Checks see records, never Markdown or commas.
 */
import { type Quantity, quantitiesIn } from './quantity.ts';
import { type Role, roleOf, words } from './role.ts';
import type { RouteTrace } from './route-trace.ts';
import { type Unit, unitOfLabel } from './unit.ts';

export interface TextPlace {
  /** From 1. */
  readonly line: number;
  /** From 1, in UTF-16 code units. */
  readonly column: number;
  readonly width: number;
  /** The column's title or the key. */
  readonly cell?: string;
}

export interface Field {
  readonly label: string;
  readonly role: Role | null;
  /** Of the label; numbers without a unit of their own have it. */
  readonly unit: Unit | null;
  readonly text: string;
  readonly place: TextPlace;
  readonly quantities: readonly Quantity[];
}

export interface DataRecord {
  readonly kind: 'row' | 'section' | 'object' | 'sentence';
  /** Headings, JSON path, or table: what a reader would call it. */
  readonly title: string;
  /** Records of one table, one array, one document's sections: they can be compared. */
  readonly group: string;
  readonly line: number;
  readonly parent: DataRecord | null;
  readonly fields: readonly Field[];
}

/** A piece of text with its place: prose, a cell, a bullet, a JSON string. */
export interface Passage {
  readonly text: string;
  readonly place: TextPlace;
  readonly record: DataRecord | null;
}

export interface CodeBlock {
  readonly language: string;
  /** Line of its first line of code. */
  readonly line: number;
  readonly lines: readonly string[];
}

export interface Table {
  /** Line of the header. */
  readonly line: number;
  readonly endLine: number;
  readonly title: string;
  readonly headers: readonly string[];
  readonly rows: readonly DataRecord[];
}

export interface AuditDocument {
  /** As it is shown. */
  readonly path: string;
  /** Where it is, for references that are relative to it. */
  readonly absolutePath: string;
  readonly kind: 'markdown' | 'csv' | 'json' | 'jsonl';
  readonly text: string;
  readonly lines: readonly string[];
  readonly records: readonly DataRecord[];
  readonly passages: readonly Passage[];
  readonly tables: readonly Table[];
  readonly code: readonly CodeBlock[];
  /** Bytes that were not what their encoding says, and how they were mended; null: none. */
  readonly encoding: string | null;
  /** Its numbers are written with decimal commas; records have them with points. */
  readonly decimalCommas: boolean;
  /** Of a routing trace (JSON lines). */
  readonly trace: RouteTrace | null;
}

export function field(label: string, text: string, place: TextPlace): Field {
  const unit = unitOfLabel(label);
  const quantities = quantitiesIn(text, unit);
  return { label, role: roleOf(label), unit, text, place, quantities };
}

/** The place of a quantity inside a text that stands at `place`. */
export function placeOf(place: TextPlace, quantity: { at: number; text: string }): TextPlace {
  const { line, column, cell } = place;
  return {
    line,
    column: column + quantity.at,
    width: quantity.text.length,
    ...(cell === undefined ? {} : { cell }),
  };
}

/** The first field of that role, with a number that is not a spread. */
export function figure(
  record: DataRecord,
  role: Role,
): { field: Field; quantity: Quantity } | null {
  for (const candidate of record.fields) {
    if (candidate.role !== role) continue;
    const quantity = candidate.quantities.find((q) => !q.spread);
    if (quantity) return { field: candidate, quantity };
  }
  return null;
}

export function textOf(record: DataRecord, role: Role): string | null {
  return record.fields.find((f) => f.role === role && f.text.trim() !== '')?.text.trim() ?? null;
}

/** Of the record, or of what it stands in. */
export function inherited(record: DataRecord, role: Role): string | null {
  for (let at: DataRecord | null = record; at; at = at.parent) {
    const found = textOf(at, role);
    if (found !== null) return found;
  }
  return null;
}

/** Records that can be compared with each other, in the order of the document. */
export function byGroup(records: readonly DataRecord[]): DataRecord[][] {
  const groups = new Map<string, DataRecord[]>();
  for (const record of records) {
    const known = groups.get(record.group);
    if (known) known.push(record);
    else groups.set(record.group, [record]);
  }
  return [...groups.values()];
}

/** More rows than this are raw data, in which nobody states what is relative to what. */
const MAX_SIBLINGS = 1000;

const groups = new WeakMap<AuditDocument, Map<string, DataRecord[]>>();

/** The records of its group, itself among them; none for a table of raw data. */
export function siblingsOf(document: AuditDocument, record: DataRecord): readonly DataRecord[] {
  let known = groups.get(document);
  if (!known) {
    known = new Map(byGroup(document.records).map((all) => [all[0]?.group ?? '', all]));
    groups.set(document, known);
  }
  const all = known.get(record.group) ?? [];
  return all.length > MAX_SIBLINGS ? [] : all;
}

const children = new WeakMap<AuditDocument, Map<DataRecord, DataRecord[]>>();

/** Records directly below this one. */
export function childrenOf(document: AuditDocument, record: DataRecord): readonly DataRecord[] {
  let known = children.get(document);
  if (!known) {
    known = new Map();
    for (const each of document.records) {
      if (!each.parent) continue;
      const below = known.get(each.parent);
      if (below) below.push(each);
      else known.set(each.parent, [each]);
    }
    children.set(document, known);
  }
  return known.get(record) ?? [];
}

/** `microsoft/DialoGPT-small (124.4M parameters)` and `DialoGPT-small` are one model. */
export function modelName(record: DataRecord): string | null {
  const text = inherited(record, 'model');
  if (text === null) return null;
  const name = text
    .replace(/\s*\(.*$/, '')
    .split('/')
    .at(-1) as string;
  return name.trim().toLowerCase().replaceAll(/[`*]/g, '') || null;
}

const FORMATS = 'fp32|f32|fp16|f16|bf16|bfloat16|float16|float32|fp8|int8|int4|nf4';
const PRECISION = new RegExp(String.raw`\b(${FORMATS}|w4a16|w8a8|8-bit|4-bit|awq|gptq)\b`, 'i');

/** `float16`, `f16` and `FP16` are one. */
const plainPrecision = (written: string): string =>
  written
    .toLowerCase()
    .replace(/^bfloat/, 'bf')
    .replace(/^f(?:loat)?(?=\d)/, 'fp');

/** As a word that can be compared; from its own field or from what describes the record. */
export function precisionOf(record: DataRecord): string | null {
  for (let at: DataRecord | null = record; at; at = at.parent) {
    const own = textOf(at, 'precision') ?? textOf(at, 'method');
    const described = at.fields.find((f) => /config|title|description/.test(words(f.label)));
    const source = PRECISION.exec(own ?? '') ?? PRECISION.exec(described?.text ?? '');
    if (source) return plainPrecision(source[1] as string);
    if (own !== null) return own.toLowerCase();
    const title = PRECISION.exec(at.title);
    if (title) return plainPrecision(title[1] as string);
  }
  return null;
}
