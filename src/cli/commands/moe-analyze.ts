/** `assay moe analyze FILE…` */
import { resolve } from 'node:path';
import { type JudgedTiming, judgeTiming } from '../../analyze/routing/timing.ts';
import { analysisJson } from '../../report/routing/analysis-json.ts';
import { analysisText } from '../../report/routing/analysis-text.ts';
import { analyzeTrace, type TraceAnalysis } from '../../routing/analyze-trace.ts';
import { compareTraces } from '../../routing/compare-traces.ts';
import { readTiming } from '../../routing/read-timing.ts';
import { type CommandIo, writeJson, writeLine } from '../io.ts';
import { readingProgress } from '../reading-progress.ts';

interface Options {
  files: string[];
  keepDummies?: boolean;
  byRequest?: boolean;
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
  return traces.some(({ read }) => read.problems.total > 0) ? 3 : 0;
}
