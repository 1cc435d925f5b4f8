/** `assay moe analyze FILE…` */
import { basename, dirname, join, relative, resolve } from 'node:path';
import { type JudgedTiming, judgeTiming } from '../../analyze/routing/timing.ts';
import { findLab } from '../../record/lab.ts';
import { type AnalyzedFiles, analysisJson } from '../../report/routing/analysis-json.ts';
import { analysisText } from '../../report/routing/analysis-text.ts';
import { analyzeTrace, type TraceAnalysis } from '../../routing/analyze-trace.ts';
import { compareTraces } from '../../routing/compare-traces.ts';
import { readTiming } from '../../routing/read-timing.ts';
import { type CommandIo, writeJson, writeLine } from '../io.ts';
import { packageVersion } from '../package.ts';
import { readingProgress } from '../reading-progress.ts';

interface Options {
  files: string[];
  keepDummies?: boolean;
  byRequest?: boolean;
  report: boolean;
  out?: string;
  json?: boolean;
}

export async function run(options: Options, io: CommandIo): Promise<number> {
  const { keepDummies = false, byRequest = false } = options;
  const traces: TraceAnalysis[] = [];
  const timings: (JudgedTiming & { path: string })[] = [];
  for (const file of options.files) {
    const path = resolve(io.cwd, file);
    const timing = readTiming(path);
    if (timing !== null) {
      timings.push({ path: file, ...judgeTiming(timing) });
      continue;
    }
    const progress = readingProgress(io, file);
    const reading = { keepDummies, signal: io.signal, onProgress: progress.show };
    traces.push(await analyzeTrace(path, reading).finally(progress.end));
  }
  const [first, ...others] = traces;
  const comparisons = first ? others.map((other) => compareTraces(first, other)) : [];
  const analyzed = { traces, comparisons, timings };
  if (options.json) writeJson(io.stdout, analysisJson(analyzed, { byRequest }));
  else for (const line of analysisText(analyzed)) writeLine(io.stdout, line);
  // JSON is for programs: they get a report if they ask for one.
  if (first && options.report && (options.out !== undefined || !options.json)) {
    const dir = resolve(io.cwd, options.out ?? defaultDir(first.read.path, io.cwd));
    await report(analyzed, { dir, keepDummies, io });
  }
  return traces.some(({ read }) => read.problems.total > 0) ? 3 : 0;
}

async function report(
  analyzed: AnalyzedFiles,
  { dir, keepDummies, io }: { dir: string; keepDummies: boolean; io: CommandIo },
): Promise<void> {
  const { writeMoeReport } = await import('../../report/routing/write-moe-report.ts');
  const timingPaths = analyzed.timings.map(({ path }) => resolve(io.cwd, path));
  const of = { dir, keepDummies, version: packageVersion(), timingPaths };
  const { documentPath } = await writeMoeReport(analyzed, of);
  writeLine(io.stderr, `\nReport: ${relative(io.cwd, documentPath)}, with charts beside it`);
}

/** `reports/moe/<name>` in the lab: the name of the trace, or of the run that it lies in. */
function defaultDir(path: string, cwd: string): string {
  const file = basename(path).replace(/\.(?:jsonl|json|gz|parquet)\b/g, '');
  const name = file === 'routing' ? basename(dirname(path)) : file;
  const clean = name.replaceAll(/[^\w.-]+/g, '-').replace(/^[.-]+/, '');
  return join(findLab(cwd).reportsDir, 'moe', clean || 'trace');
}
