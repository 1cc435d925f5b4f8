/** `assay moe validate FILE` */
import { resolve } from 'node:path';
import { spans } from '../../report/routing/verdicts.ts';
import { PROBLEM_KINDS, type ProblemKind } from '../../routing/trace-problem.ts';
import { type ValidatedTrace, validateTrace } from '../../routing/validate-trace.ts';
import { type CommandIo, writeJson, writeLine } from '../io.ts';
import { readingProgress } from '../reading-progress.ts';

interface Options {
  file: string;
  generated?: number;
  keepDummies?: boolean;
  json?: boolean;
}

export async function run(options: Options, io: CommandIo): Promise<number> {
  const progress = readingProgress(io, options.file);
  const { generated, keepDummies = false } = options;
  const found = await validateTrace(resolve(io.cwd, options.file), {
    ...{ keepDummies, signal: io.signal, onProgress: progress.show },
    ...(generated === undefined ? {} : { generated }),
  }).finally(progress.end);
  if (options.json) writeJson(io.stdout, { ...found, path: options.file });
  else print({ ...found, path: options.file }, io);
  return found.valid ? 0 : 3;
}

function print(found: ValidatedTrace, io: CommandIo): void {
  const say = (text: string): void => writeLine(io.stdout, text);
  const { problems, requests, weightSums, layers } = found;
  const numbers = layers.map(({ layer }) => layer);
  say(`${found.path}: ${found.kind}, ${found.model ?? 'no model named'}`);
  say(
    `${found.routes} routes over ${named(layers.length, 'layer')} (${spans(numbers)}), ` +
      `top ${found.topK} of ${found.experts} experts (${found.expertsFrom}), ` +
      `${named(requests.ids, 'request id')}`,
  );
  if (weightSums !== null) {
    const [low, high] = weightSums.map((sum) => sum.toFixed(4));
    say(`weights of a row sum to ${low} … ${high}`);
  }
  if (found.dummyRoutes > 0) dummies(found, say);
  for (const what of found.notEvidenced) say(`not evidenced: ${what}`);
  if (found.valid) {
    say('valid');
    return;
  }
  say('');
  for (const { line, kind, message } of problems.shown) {
    say(`${found.path}${line > 0 ? `:${line}` : ''}: ${PROBLEM_KINDS[kind]}: ${message}`);
  }
  const totals = Object.entries(problems.totals).map(
    ([kind, count]) => `${PROBLEM_KINDS[kind as ProblemKind]} ${count}`,
  );
  const more = problems.total > problems.shown.length ? ', of which the first are above' : '';
  say(`\n${named(problems.total, 'error')}${more}: ${totals.join(', ')}`);
}

/** Runs that are told one by one. */
const SHOWN_RUNS = 5;

function dummies(found: ValidatedTrace, say: (text: string) => void): void {
  const share = ((100 * found.dummyRoutes) / found.routes).toFixed(2);
  say(`${found.dummyRoutes} rows (${share} %) are profiling or warm-up, not requests:`);
  for (const { layer, lines, segments, rows } of found.dummies.slice(0, SHOWN_RUNS)) {
    const parts = segments.length > 1 ? ` in segments of ${segments.join(' + ')}` : '';
    say(`  layer ${layer}, lines ${lines[0]} to ${lines[1]}: ${rows} identical rows${parts}`);
  }
  const more = found.dummies.length - SHOWN_RUNS;
  if (more > 0) say(`  and ${named(more, 'run')} more`);
}

function named(n: number, noun: string): string {
  return `${n} ${noun}${n === 1 ? '' : 's'}`;
}
