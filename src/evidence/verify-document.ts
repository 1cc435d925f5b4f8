/** A generated document against its sidecar, and the sidecar against the runs. */
import { basename, dirname, join, relative } from 'node:path';
import { z } from 'zod';
import {
  describeReference,
  type NumberReference,
  type RunLookup,
  resolveNumber,
} from '../analyze/reference.ts';
import type { LogIndex } from '../logs/log-index.ts';
import { type LogNumberReference, logNumber } from '../logs/log-number.ts';
import { prettyJson } from '../record/atomic.ts';
import { canonicalSha256, sha256Hex } from '../record/canonical.ts';
import { findNumerals, type Numeral } from '../record/find-numerals.ts';
import { type NumberFormat, renderNumber } from '../record/numerals.ts';
import { parseJson } from '../record/parse-json.ts';
import { readRegular } from '../record/regular-file.ts';
import type { RouteNumberReference } from '../routing/route-facts.ts';
import type { Discrepancy, Place } from './discrepancy.ts';
import { checkBeside, checkPictures, editedDocument, readBytes } from './document-files.ts';
import { type MendedFile, mendFile } from './mended-file.ts';
import { type RouteNumbers, routeReferenceSchema, traceEvidenceSchema } from './route-numbers.ts';
import { verifyTable } from './verify-table.ts';

const place = { line: z.number().int(), column: z.number().int(), text: z.string() };
const sidecarSchema = z.object({
  schema: z.literal('assay.document-evidence/1'),
  document: z.string(),
  sha256: z.string(),
  crc32: z.string().optional(),
  digest: z.string(),
  experiment: z.string(),
  numbers: z.array(
    z.object({
      ...place,
      reference: z.union([
        z.object({ from: z.literal('log'), log: z.string(), field: z.string() }),
        routeReferenceSchema,
        z.looseObject({ from: z.string(), run: z.string() }),
      ]),
      format: z.looseObject({ style: z.string() }),
    }),
  ),
  family: z
    .array(
      z.object({
        formula: z.string(),
        run: z.string(),
        baseline: z.string(),
        params: z.object({
          resamples: z.number(),
          seed: z.number(),
          margin: z.number(),
          layer: z.number().optional(),
        }),
      }),
    )
    .default([]),
  constants: z.array(z.object(place)),
  prose: z.array(
    z.object({ from: z.number(), to: z.number(), file: z.string(), sha256: z.string() }),
  ),
  pictures: z.array(z.object({ file: z.string(), sha256: z.string() })).default([]),
  beside: z.array(z.string()).default([]),
  logs: z.object({ root: z.string() }).optional(),
  traces: traceEvidenceSchema.optional(),
});
type Sidecar = z.infer<typeof sidecarSchema>;

export interface VerifiedDocument {
  readonly document: string;
  readonly numbers: number;
  readonly discrepancies: readonly Discrepancy[];
}

interface Document {
  readonly file: string;
  readonly lines: readonly string[];
  readonly sidecar: Sidecar;
  readonly lookup: RunLookup;
  readonly logs: LogIndex | null;
  readonly routes: RouteNumbers | null;
}

interface Context {
  readonly root: string;
  readonly lookup: RunLookup;
  readonly logs?: LogIndex | null;
  readonly routes?: RouteNumbers | null;
}

export function verifyDocument(sidecarPath: string, context: Context): VerifiedDocument {
  const shown = relative(context.root, sidecarPath).replaceAll('\\', '/');
  let written: string;
  let raw: Record<string, unknown>;
  let sidecar: Sidecar;
  try {
    written = readRegular(sidecarPath).toString('utf8');
    raw = parseJson(written) as Record<string, unknown>;
    sidecar = sidecarSchema.parse(raw);
  } catch {
    const message = `${shown} cannot be read: nothing vouches for the numbers of its document`;
    return {
      document: shown,
      numbers: 0,
      discrepancies: [{ code: 'evidence-unreadable', message }],
    };
  }
  const file = join(dirname(shown), basename(sidecar.document)).replaceAll('\\', '/');
  const path = join(context.root, file);
  const bytes = readBytes(file, path);
  if (!Buffer.isBuffer(bytes)) return { document: file, numbers: 0, discrepancies: [bytes] };
  const text = bytes.toString('utf8');
  const { lookup, logs = null, routes = null } = context;
  const lines = text.split('\n');
  const sources = { lookup, logs, routes };
  const document: Document = { file, lines, sidecar: aligned(sidecar, lines), ...sources };
  const isTable = basename(file) === 'summary.csv';
  const mended = isTable ? mendDocument({ file, text, sidecar }) : null;
  const table = isTable ? verifyTable({ file, text, mended }, lookup) : null;
  const discrepancies = table?.discrepancies.length
    ? table.discrepancies
    : [...checkNumbers(document), ...checkConstants(document, text)];
  if (discrepancies.length === 0 && sha256Hex(text) !== sidecar.sha256) {
    discrepancies.push(
      (mended ?? mendDocument({ file, text, sidecar }))?.discrepancy ??
        editedDocument({ file, text, shown, sha256: sidecar.sha256 }),
    );
  }
  discrepancies.push(...(routes?.discrepancies ?? []));
  discrepancies.push(...checkPictures(sidecar.pictures, dirname(file), context.root));
  discrepancies.push(...checkBeside(sidecar.beside, dirname(file), context.root));
  const { digest, ...rest } = raw;
  if (discrepancies.length === 0 && canonicalSha256(rest) !== digest) {
    const message = `${shown} was changed: it does not have the digest that it states`;
    discrepancies.push({ code: 'evidence-edited', message });
  } else if (discrepancies.length === 0 && written !== prettyJson(raw)) {
    const message = `${shown} is not as it was written: white space, or a name that stands twice`;
    discrepancies.push({ code: 'evidence-edited', message });
  }
  const numbers = sidecar.numbers.length + (table?.numbers ?? 0);
  return { document: file, numbers, discrepancies };
}

/** null: as it was written, or more than one digit was changed. */
function mendDocument(of: { file: string; text: string; sidecar: Sidecar }): MendedFile | null {
  const { file, text } = of;
  const { sha256, crc32 } = of.sidecar;
  if (sha256Hex(text) === sha256) return null;
  const vouched = { file, bytes: Buffer.from(text), sha256, code: 'document-edited' };
  return mendFile(crc32 === undefined ? vouched : { ...vouched, crc32 });
}

/**
 * A number that gets longer, or a word before it, moves all that follow on its line. Where a line
 * still has as many numerals as it had, they are paired in order: one change is one finding.
 */
function aligned(sidecar: Sidecar, lines: readonly string[]): Sidecar {
  const moved = new Map<string, number>();
  const expected = new Map<number, Numeral[]>();
  for (const n of [...sidecar.numbers, ...sidecar.constants]) {
    expected.set(n.line, [...(expected.get(n.line) ?? []), n]);
  }
  for (const [line, unsorted] of expected) {
    const now = lines[line - 1] ?? '';
    if (unsorted.every((n) => now.startsWith(n.text, n.column - 1))) continue;
    const standing = findNumerals(now);
    if (standing.length !== unsorted.length) continue;
    for (const [i, n] of unsorted.toSorted((a, b) => a.column - b.column).entries()) {
      moved.set(`${line}:${n.column}`, standing[i]?.column ?? n.column);
    }
  }
  const move = <T extends Numeral>(n: T): T => {
    return { ...n, column: moved.get(`${n.line}:${n.column}`) ?? n.column };
  };
  const { numbers, constants } = sidecar;
  return { ...sidecar, numbers: numbers.map(move), constants: constants.map(move) };
}

function checkNumbers(document: Document): Discrepancy[] {
  const { file, lines, sidecar } = document;
  return sidecar.numbers.flatMap((number): Discrepancy[] => {
    const expected = renderAgain(number, document);
    const { says, from } = origin(number.reference);
    const standing = numeralAt(lines, number);
    const at: Place = {
      file,
      line: number.line,
      column: number.column,
      text: lines[number.line - 1] ?? '',
      width: standing.length || 1,
    };
    if (expected === undefined) {
      const message = `the evidence of ${file} was changed: it asks for ${says}, which cannot be`;
      return [{ code: 'evidence-edited', message, ...from, place: at, found: standing }];
    }
    if (expected === null) {
      // Told once, with the trace.
      if (isOfRoute(number.reference) && document.routes?.discrepancies.length) return [];
      const source = sourceOf(number.reference);
      const message = `${says}: the ${source} or its metric is not there any more`;
      return [{ code: 'number-without-evidence', message, ...from, place: at, found: standing }];
    }
    if (standing !== expected) {
      return [
        { code: 'number-differs', message: says, ...from, place: at, expected, found: standing },
      ];
    }
    if (number.text === expected) return [];
    const message = `the evidence of ${file} was changed: ${says}`;
    return [{ code: 'evidence-edited', message, ...from, place: at, expected, found: number.text }];
  });
}

type StoredReference = Sidecar['numbers'][number]['reference'];

function isOfLog(reference: StoredReference): reference is LogNumberReference {
  return reference.from === 'log';
}

function isOfRoute(reference: StoredReference): reference is RouteNumberReference {
  return reference.from === 'route';
}

function sourceOf(reference: StoredReference): string {
  if (isOfLog(reference)) return 'log';
  return isOfRoute(reference) ? 'trace' : 'run';
}

function origin(reference: StoredReference): { says: string; from: { run?: string } } {
  if (isOfLog(reference)) return { says: `${reference.field} of ${reference.log}`, from: {} };
  if (isOfRoute(reference)) {
    const { field, trace, against } = reference;
    return { says: `${field} of ${trace}${against ? ` against ${against}` : ''}`, from: {} };
  }
  const known = describeReference(reference as unknown as NumberReference) as string | undefined;
  const says = known ?? `a number from "${reference.from}"`;
  return { says, from: { run: reference.run } };
}

/** null: the run or its metric is gone; undefined: there is no such field, formula or format. */
function renderAgain(
  { reference, format }: Sidecar['numbers'][number],
  { lookup, logs, routes, sidecar }: Document,
): string | null | undefined {
  try {
    const value = isOfLog(reference)
      ? logs && logNumber(logs, reference)
      : isOfRoute(reference)
        ? (routes?.number(reference) ?? null)
        : resolveNumber(reference as unknown as NumberReference, lookup, sidecar.family);
    return value === null ? null : renderNumber(value, format as unknown as NumberFormat);
  } catch {
    return undefined;
  }
}

/** What stands now where the document had this number. */
function numeralAt(lines: readonly string[], number: { line: number; column: number }): string {
  const rest = (lines[number.line - 1] ?? '').slice(number.column - 1);
  return /^[+\-−]?[\d.,]*\d(?:[eE][+-]?\d+)?/.exec(rest)?.[0] ?? '';
}

function checkConstants(document: Document, text: string): Discrepancy[] {
  const { file, lines, sidecar } = document;
  const key = (n: { line: number; column: number }): string => `${n.line}:${n.column}`;
  const inProse = (line: number): boolean =>
    sidecar.prose.some((range) => line >= range.from && line <= range.to);
  const cited = (n: Numeral): boolean =>
    sidecar.numbers.some(
      (c) => c.line === n.line && n.column >= c.column && n.column < c.column + c.text.length,
    );
  const expected = new Map(sidecar.constants.map((c) => [key(c), c.text]));
  const standing = findNumerals(text).filter((n) => !inProse(n.line));
  const at = (n: Numeral): Place => ({
    file,
    line: n.line,
    column: n.column,
    text: lines[n.line - 1] ?? '',
    width: n.text.length,
  });
  const changed = standing.flatMap((n): Discrepancy[] => {
    const was = expected.get(key(n));
    expected.delete(key(n));
    if (was === n.text || cited(n)) return [];
    if (was === undefined) {
      const message = 'a number that the report did not write';
      return [{ code: 'number-added', message, place: at(n), found: n.text }];
    }
    const message = 'a number of the text was changed';
    return [{ code: 'constant-differs', message, place: at(n), expected: was, found: n.text }];
  });
  const missing = [...expected].slice(0, 3).map(
    ([where, was]): Discrepancy => ({
      code: 'number-removed',
      message: `${file}:${where}: the number ${was} is not there any more`,
    }),
  );
  return [...changed, ...missing];
}
