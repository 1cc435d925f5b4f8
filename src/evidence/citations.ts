/** Every number that the generated documents of a lab print, and whether it still stands there. */
import { join, relative } from 'node:path';
import {
  type ComparisonId,
  describeReference,
  type NumberReference,
  type ResolvableRun,
  type RunLookup,
  resolveNumber,
} from '../analyze/reference.ts';
import { type LogNumberReference, logNumber } from '../logs/log-number.ts';
import type { Lab } from '../record/lab.ts';
import { type NumberFormat, renderNumber } from '../record/numerals.ts';
import { parseJson } from '../record/parse-json.ts';
import { readRegular } from '../record/regular-file.ts';
import { loadRun } from '../record/run-reader.ts';
import { readRunRows } from '../record/sample-reader.ts';
import { logsOf, sidecars } from './verify.ts';

export type CitedReference = NumberReference | LogNumberReference;

/** One place where a number is printed. */
export interface Printed {
  /** `file:line:column`, relative to the lab. */
  readonly place: string;
  /** As the document was written. */
  readonly text: string;
  /** The document still says so there, and its origin still gives it. */
  readonly stands: boolean;
}

export interface Citation {
  readonly place: string;
  readonly text: string;
  readonly reference: CitedReference;
  readonly format: NumberFormat;
  readonly line: number;
  readonly column: number;
  readonly sidecar: Sidecar;
}

interface Sidecar {
  readonly path: string;
  readonly document: string;
  readonly family: readonly ComparisonId[];
}

export function isOfLog(reference: CitedReference): reference is LogNumberReference {
  return reference.from === 'log';
}

export function originOf(reference: CitedReference): string {
  if (isOfLog(reference)) return `${reference.field} of ${reference.log}`;
  return describeReference(reference);
}

/** Sidecars that cannot be read are left out: `verify` reports them. */
export function citations(lab: Lab): Citation[] {
  return sidecars(lab).flatMap((path): Citation[] => {
    try {
      const {
        document,
        numbers,
        family = [],
      } = parseJson(readRegular(path).toString('utf8')) as {
        document: string;
        numbers: unknown;
        family?: readonly ComparisonId[];
      };
      const sidecar: Sidecar = { path, document: join(path, '..', document), family };
      const file = relative(lab.root, sidecar.document).replaceAll('\\', '/');
      return (numbers as Citation[])
        .filter(({ text, reference }) => typeof text === 'string' && reference?.from !== undefined)
        .map((n) => ({ ...n, place: `${file}:${n.line}:${n.column}`, sidecar }));
    } catch {
      return [];
    }
  });
}

/** Says of citations whether they stand; reads each run, document and log once. */
export class Standing {
  readonly #lookup: RunLookup;
  readonly #lines = new Map<string, readonly string[]>();
  readonly #logs = new Map<string, ReturnType<typeof logsOf>>();

  constructor(lab: Lab) {
    const runs = new Map<string, ResolvableRun | undefined>();
    this.#lookup = (runId) => {
      if (!runs.has(runId)) runs.set(runId, runOf(lab, runId));
      return runs.get(runId);
    };
  }

  run(runId: string): ResolvableRun | undefined {
    return this.#lookup(runId);
  }

  async printed(all: readonly Citation[]): Promise<Printed[]> {
    const printed: Printed[] = [];
    for (const citation of all) {
      const { place, text } = citation;
      const stands = this.#isThere(citation) && (await this.#rendered(citation)) === text;
      printed.push({ place, text, stands });
    }
    return printed;
  }

  #isThere({ sidecar, line, column, text }: Citation): boolean {
    const { document } = sidecar;
    const known = this.#lines.get(document) ?? linesOf(document);
    this.#lines.set(document, known);
    const rest = (known[line - 1] ?? '').slice(column - 1);
    return rest.startsWith(text) && !/^[\d]|^[.,]\d/.test(rest.slice(text.length));
  }

  async #rendered({ reference, format, sidecar }: Citation): Promise<string | null> {
    try {
      const value = isOfLog(reference)
        ? await this.#logNumber(reference, sidecar)
        : resolveNumber(reference, this.#lookup, sidecar.family);
      return value === null ? null : renderNumber(value, format);
    } catch {
      return null;
    }
  }

  async #logNumber(reference: LogNumberReference, { path }: Sidecar): Promise<number | null> {
    const logs = this.#logs.get(path) ?? logsOf(path);
    this.#logs.set(path, logs);
    const index = await logs;
    return index && logNumber(index, reference);
  }
}

function linesOf(path: string): readonly string[] {
  try {
    return readRegular(path).toString('utf8').split('\n');
  } catch {
    return [];
  }
}

function runOf(lab: Lab, runId: string): ResolvableRun | undefined {
  try {
    const { manifest, summary, dir } = loadRun(lab, runId);
    let rows: ReturnType<typeof readRunRows> | null = null;
    return {
      ...{ manifest, summary },
      rows: () => {
        rows ??= readRunRows(dir);
        return rows;
      },
    };
  } catch {
    return undefined;
  }
}
