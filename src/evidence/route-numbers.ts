/** The traces that a document is about, analyzed again, so that its numbers can be looked up. */
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { judgeTiming } from '../analyze/routing/timing.ts';
import { sha256File } from '../record/canonical.ts';
import { readRegular } from '../record/regular-file.ts';
import { analyzeTrace, type TraceAnalysis } from '../routing/analyze-trace.ts';
import { compareTraces } from '../routing/compare-traces.ts';
import { readTiming } from '../routing/read-timing.ts';
import {
  citedFacts,
  factAt,
  type RouteFacts,
  type RouteNumberReference,
  timingFacts,
} from '../routing/route-facts.ts';
import type { Discrepancy } from './discrepancy.ts';

export const routeReferenceSchema = z.object({
  from: z.literal('route'),
  trace: z.string(),
  against: z.string().optional(),
  field: z.string(),
});

export const traceEvidenceSchema = z.object({
  root: z.string(),
  keepDummies: z.boolean(),
  files: z.array(z.object({ path: z.string(), sha256: z.string() })),
});

export interface RouteNumbers {
  /** Traces that are gone or are not what they were; then no number is looked up. */
  readonly discrepancies: readonly Discrepancy[];
  number(reference: RouteNumberReference): number | null;
}

interface Source {
  readonly trace: TraceAnalysis | null;
  readonly facts: RouteFacts;
}

/** A report and each of its charts are about the same trace: it is read once. */
export class RouteSources {
  readonly #sources = new Map<string, Promise<Source>>();

  /** null: the document is about no traces. */
  async numbersOf(sidecar: string): Promise<RouteNumbers | null> {
    const about = tracesIn(sidecar);
    if (about === null) return null;
    const { root, keepDummies, files } = about;
    const pathOf = (path: string): string => join(dirname(sidecar), root, path);
    const sources = new Map<string, Source>();
    const discrepancies: Discrepancy[] = [];
    for (const { path, sha256 } of files) {
      try {
        if ((await sha256File(pathOf(path))) !== sha256) throw new Error('it was changed');
        sources.set(path, await this.#source(pathOf(path), keepDummies));
      } catch (error) {
        const message = `${path}, which a report is about: ${(error as Error).message}`;
        discrepancies.push({ code: 'trace-changed', message });
      }
    }
    if (discrepancies.length > 0) return { discrepancies, number: () => null };
    const compared = new Map<string, RouteFacts>();
    return {
      discrepancies,
      number({ trace, against, field }) {
        const source = sources.get(trace);
        if (against === undefined) return factAt(source?.facts, field);
        const key = `${trace}\n${against}`;
        const [a, b] = [sources.get(against)?.trace, source?.trace];
        if (a && b && !compared.has(key)) compared.set(key, { ...compareTraces(a, b) });
        return factAt(compared.get(key), field);
      },
    };
  }

  #source(path: string, keepDummies: boolean): Promise<Source> {
    const key = `${keepDummies} ${path}`;
    const known = this.#sources.get(key) ?? sourceAt(path, keepDummies);
    this.#sources.set(key, known);
    return known;
  }
}

async function sourceAt(path: string, keepDummies: boolean): Promise<Source> {
  const timing = readTiming(path);
  if (timing !== null) return { trace: null, facts: timingFacts(judgeTiming(timing)) };
  const trace = await analyzeTrace(path, { keepDummies });
  return { trace, facts: citedFacts(trace) };
}

function tracesIn(sidecar: string): z.infer<typeof traceEvidenceSchema> | null {
  try {
    const { traces } = JSON.parse(readRegular(sidecar).toString('utf8'));
    return traceEvidenceSchema.parse(traces);
  } catch {
    // Another document, or one whose evidence cannot be read, which is told elsewhere.
    return null;
  }
}
