/**
 * The rows of a closed run as they were when it was closed. If the file was changed since, the
 * line checksums say where; a single changed digit is found again and proven by the SHA-256 of the
 * whole file, so that everything else can still be checked against the true rows.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { crc32Hex, sha256Hex } from '../record/canonical.ts';
import { readRegular } from '../record/regular-file.ts';
import { type SampleRow, sampleRowSchema } from '../record/rows.ts';
import type { ClosedRun } from '../record/run-reader.ts';
import { checkLine, SAMPLE_FILES } from '../record/samples.ts';
import { type Discrepancy, type Place, placeIn } from './discrepancy.ts';
import { withoutEditorMarks } from './editor-marks.ts';
import { jsonLeaves, leafAt, pathText } from './json-place.ts';
import { recoverDigitByCrc } from './recover.ts';

export interface TrustedSamples {
  /** null: the true rows could not be had, nothing can be recomputed. */
  readonly rows: readonly SampleRow[] | null;
  readonly discrepancies: readonly Discrepancy[];
}

const TAIL = /,"crc32":"([0-9a-f]{8})"\}$/;

/** The rows of all sample files, in the order in which `readRunRows` gives them. */
export function trustedSamples(run: ClosedRun): TrustedSamples {
  const files = SAMPLE_FILES.map((name) => trustedFile(run, name));
  const rows = files.some((file) => file.rows === null)
    ? null
    : files.flatMap((file) => file.rows ?? []);
  return { rows, discrepancies: files.flatMap((file) => file.discrepancies) };
}

function trustedFile(run: ClosedRun, name: string): TrustedSamples {
  const entry = run.manifest.files.find((file) => file.path === name);
  const path = join(run.dir, name);
  if (!entry) return { rows: [], discrepancies: [] };
  const file = `runs/${run.runId}/${name}`;
  if (!existsSync(path)) {
    const message = `${file} was deleted: nothing of this run can be recomputed`;
    return { rows: null, discrepancies: [{ code: 'file-missing', message, run: run.runId }] };
  }
  let content: string;
  try {
    content = readRegular(path).toString('latin1');
  } catch (error) {
    const message = `${file}: ${(error as Error).message}: nothing of this run can be recomputed`;
    return { rows: null, discrepancies: [{ code: 'file-unreadable', message, run: run.runId }] };
  }
  const whole = (text: string): boolean => sha256Hex(Buffer.from(text, 'latin1')) === entry.sha256;
  if (whole(content)) return { rows: parse(content), discrepancies: [] };
  const plain = withoutEditorMarks(content);
  if (plain && whole(plain.text)) {
    const message = `${file} is as it was written but for ${plain.what}`;
    const discrepancies = [{ code: 'samples-edited', message, run: run.runId }];
    return { rows: parse(plain.text), discrepancies };
  }
  const mended = mend(content, { file, run: run.runId });
  const proven = whole(mended.content);
  const discrepancies = proven ? mended.discrepancies : unproven(mended.discrepancies);
  if (proven) return { rows: parse(mended.content), discrepancies };
  if (discrepancies.length === 0) {
    const message =
      `${file} was changed after the run was closed: its SHA-256 is not the one in the manifest, ` +
      'although every line has a fitting checksum; lines were added, removed or rewritten whole';
    discrepancies.push({ code: 'samples-edited', message, run: run.runId });
  }
  return { rows: null, discrepancies };
}

/** Where all lines were changed, some tell it. */
const TOLD = 5;

function unproven(all: readonly Discrepancy[]): Discrepancy[] {
  const told = all.slice(0, TOLD).map((d) => ({
    ...d,
    message: `${d.message} (not proven: more was changed in this file)`,
  }));
  const [last] = told.slice(-1);
  if (!last || all.length <= TOLD) return told;
  const more = all.length - TOLD;
  return [...told.slice(0, -1), { ...last, message: `${last.message}, as in ${more} more lines` }];
}

/** ASCII by construction except inside strings, so latin1 offsets are byte offsets. */
function parse(content: string): SampleRow[] {
  return content
    .split('\n')
    .filter((line) => line !== '')
    .flatMap((line) => {
      const checked = checkLine(Buffer.from(line, 'latin1'));
      if ('reason' in checked) return [];
      const row = sampleRowSchema.safeParse(JSON.parse(checked.text));
      return row.success ? [row.data] : [];
    });
}

function mend(
  content: string,
  of: { file: string; run: string },
): { content: string; discrepancies: Discrepancy[] } {
  const discrepancies: Discrepancy[] = [];
  let mended = content;
  let offset = 0;
  for (const line of content.split('\n')) {
    const bytes = Buffer.from(line, 'latin1');
    if (line !== '' && 'reason' in checkLine(bytes)) {
      const fixed = mendLine(line);
      const at = offset + (fixed?.index ?? 0);
      const range = { start: at, end: at + 1 };
      if (fixed) {
        mended = mended.slice(0, at) + fixed.original + mended.slice(at + 1);
        discrepancies.push(describe(content, { ...of, line, fixed, offset }));
      } else {
        discrepancies.push({
          code: 'sample-edited',
          message: `a sample of run ${of.run} was changed: its checksum does not fit`,
          run: of.run,
          place: placeInBytes(of.file, content, range),
        });
      }
    }
    offset += line.length + 1;
  }
  return { content: mended, discrepancies };
}

interface Fix {
  readonly index: number;
  readonly original: string;
}

/** The one digit that makes row and checksum fit again, in the row or in the checksum itself. */
function mendLine(line: string): Fix | null {
  const tail = TAIL.exec(line);
  if (!tail) return mendName(line);
  const row = Buffer.from(`${line.slice(0, tail.index)}}`, 'latin1');
  const stated = tail[1] as string;
  const fits = recoverDigitByCrc(row, Number.parseInt(stated, 16));
  if (fits.length === 1) return fits[0] as Fix;
  const right = crc32Hex(row);
  const wrong = [...right].flatMap((digit, i) => (digit === stated[i] ? [] : [i]));
  const [at] = wrong;
  if (at === undefined || wrong.length > 1) return null;
  const start = line.length - 2 - right.length;
  return { index: start + at, original: right[at] as string };
}

/** The digits of the checksum's own name. */
function mendName(line: string): Fix | null {
  const name = /,"crc(\d\d)":"[0-9a-f]{8}"\}$/.exec(line);
  const wrong = [...'32'].flatMap((digit, i) => (digit === name?.[1]?.[i] ? [] : [i]));
  const [at] = wrong;
  if (!name || at === undefined || wrong.length > 1) return null;
  return { index: name.index + ',"crc'.length + at, original: '32'[at] as string };
}

/** Texts of a row may hold any character: what is shown of its bytes is read as UTF-8. */
function shown(latin1: string): string {
  return Buffer.from(latin1, 'latin1').toString('utf8');
}

function placeInBytes(...of: Parameters<typeof placeIn>): Place {
  const { text, column, width, ...rest } = placeIn(...of);
  const start = column - 1;
  return {
    ...rest,
    text: shown(text),
    column: shown(text.slice(0, start)).length + 1,
    width: shown(text.slice(start, start + width)).length,
  };
}

function describe(
  content: string,
  of: { file: string; run: string; line: string; fixed: Fix; offset: number },
): Discrepancy {
  const { line, fixed, offset } = of;
  let range = { start: offset + fixed.index, end: offset + fixed.index + 1 };
  let what = 'a digit';
  let expected = fixed.original;
  let found = line[fixed.index] as string;
  try {
    const leaf = leafAt(jsonLeaves(line), fixed.index);
    if (leaf) {
      range = { start: offset + leaf.start, end: offset + leaf.end };
      what = `${pathText(leaf.path)} of a ${kindOf(line)} sample`;
      found = line.slice(leaf.start, leaf.end);
      const at = fixed.index - leaf.start;
      expected = found.slice(0, at) + fixed.original + found.slice(at + 1);
    }
  } catch {
    // The changed digit broke the JSON: the digit alone must do.
  }
  return {
    code: 'sample-edited',
    message: `${what} of run ${of.run} was changed`,
    run: of.run,
    place: placeInBytes(of.file, content, range),
    expected: shown(expected),
    found: shown(found),
  };
}

function kindOf(line: string): string {
  return /"kind":"([\w-]+)"/.exec(line)?.[1] ?? 'sample';
}
