/** A results file of another tool, by what is in it. */
import { FormatError } from '../../record/errors.ts';
import { parseJson } from '../../record/parse-json.ts';
import { csvObjects } from '../csv.ts';
import { readBaselineManifest, readBaselineSummary } from './baseline-run.ts';
import { readBatchMatrix, readWideMatrix } from './batch-matrix.ts';
import { readLlamaBench, readLmEval } from './evaluation.ts';
import { gpuReading, readGpuReading } from './gpu-reading.ts';
import type { ImportedResult, ResultFile, ResultReader } from './imported.ts';
import { benchmarkRow, readAccuracyList, readSpeedTest } from './precision-tests.ts';
import { locustRow, readGuideLlm, readVllmBench } from './serving.ts';

/** The narrow ones first. */
const READERS: readonly ResultReader[] = [
  readVllmBench,
  readGuideLlm,
  readLmEval,
  readLlamaBench,
  readBatchMatrix,
  readBaselineManifest,
  readBaselineSummary,
  readSpeedTest,
  readAccuracyList,
  readGpuReading,
];

const KNOWN =
  'vllm bench, GuideLLM, lm-eval, llama-bench, Locust stats, batch matrices, baseline manifests ' +
  'and summaries, accuracy lists, speed tests, benchmark tables, ' +
  'GPU readings';

/** Throws FormatError when it is none that is known. */
export function readResults({ path, text }: { path: string; text: string }): ImportedResult[] {
  const results = /\.csv$/i.test(path) ? readTable(csvObjects(text)) : readJsonResults(path, text);
  if (results === null) {
    throw new FormatError(`${path} is of no format that is known`, { hint: `known: ${KNOWN}` });
  }
  return results;
}

function readJsonResults(path: string, text: string): ImportedResult[] | null {
  let json: unknown;
  try {
    json = parsed(text);
  } catch (cause) {
    const lines = linesOf(text);
    if (lines) return readLines(path, lines);
    throw new FormatError(`${path} is not JSON: ${(cause as Error).message}`, {
      hint: 'results are JSON or CSV; logs are read by `assay logs index`',
      cause,
    });
  }
  return readValue({ path, text, json });
}

/** Python writes NaN and Infinity. */
const parsed = (text: string): unknown =>
  parseJson(text.replaceAll(/(?<=[:[,]\s*)-?(?:NaN|Infinity)\b/g, 'null'));

/** An object a line: `vllm bench --append-result`, `llama-bench -o jsonl`. */
function linesOf(text: string): unknown[] | null {
  try {
    return text.split('\n').flatMap((line) => (line.trim() === '' ? [] : [parsed(line)]));
  } catch {
    return null;
  }
}

function readLines(path: string, lines: readonly unknown[]): ImportedResult[] | null {
  const together = readValue({ path, text: '', json: lines });
  if (together) return together;
  const each = lines.map((json) => readValue({ path, text: '', json }));
  if (each.some((results) => results === null)) return null;
  return each.flatMap((results, i) =>
    (results ?? []).map((result) => ({
      ...result,
      metrics: result.metrics.map((m) => ({ ...m, place: `line ${i + 1}: ${m.place}` })),
    })),
  );
}

function readValue(file: ResultFile): ImportedResult[] | null {
  for (const read of READERS) {
    const results = read(file);
    if (results) return results;
  }
  return null;
}

function readTable(rows: readonly Readonly<Record<string, string>>[]): ImportedResult[] | null {
  const [first] = rows;
  if (!first) return null;
  if ('Request Count' in first && 'Name' in first) return rows.map(locustRow);
  if ('avg_ts' in first && 'model_type' in first) {
    return readLlamaBench({ path: '', text: '', json: rows.map(withNumbers) });
  }
  if (('model_name' in first || 'model' in first) && 'precision' in first) {
    return rows.map(benchmarkRow);
  }
  const wide = readWideMatrix(rows);
  if (wide) return wide;
  const readings = rows.flatMap((row) => gpuReading(row) ?? []);
  return readings.length === rows.length ? readings : null;
}

function withNumbers(row: Readonly<Record<string, string>>): Record<string, string | number> {
  return Object.fromEntries(
    Object.entries(row).map(([key, text]) => {
      const value = text.trim() === '' ? Number.NaN : Number(text);
      return [key, Number.isFinite(value) ? value : text];
    }),
  );
}
