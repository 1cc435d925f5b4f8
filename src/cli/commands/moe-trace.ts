/** `assay moe trace`: which experts a model sends its tokens to, as a one-cell experiment. */
import { basename } from 'node:path';
import type { ResolvableRun } from '../../analyze/reference.ts';
import { planExperiment } from '../../experiment/plan.ts';
import { checkSpec, type ExperimentSpec } from '../../experiment/spec.ts';
import { AssayError, UsageError } from '../../record/errors.ts';
import { findLab } from '../../record/lab.ts';
import type { Metric } from '../../record/schema.ts';
import { citeWithInterval } from '../../report/cite.ts';
import { plainText } from '../../report/plain.ts';
import { textTable } from '../../report/table.ts';
import { downloadView } from '../download.ts';
import { execute, exitCodeOf } from '../experiment.ts';
import { type CommandIo, writeJson, writeLine } from '../io.ts';
import { builtinDir } from '../package.ts';
import { resolvable } from '../runs.ts';

interface Options {
  model: string;
  scheme: string;
  activations: 'int8' | 'f32';
  device: 'cpu' | 'webgpu';
  threads?: number;
  ignore?: string[];
  seed: number;
  prompts: string;
  promptCount?: number;
  newTokens: number;
  temperature: number;
  batchSize: number;
  layers?: number[];
  tokensSample: number;
  repeat?: boolean;
  compare?: number | true;
  parquet?: boolean;
  timeout?: number;
  json?: boolean;
}

/** Twenty pairs give an interval of a few percent on a quiet machine. */
const DEFAULT_PAIRS = 20;

export async function run(options: Options, io: CommandIo): Promise<number> {
  const plan = await planExperiment(specOf(options), {
    baseDir: io.cwd,
    builtinDir: builtinDir(),
    env: io.env,
    ...downloadView(io),
  });
  const lab = findLab(io.cwd);
  const outcome = await execute(plan, lab, { reuse: false, exclusive: false }, io);
  const [cell] = outcome.cells;
  if (!cell) return exitCodeOf(outcome);
  if (cell.error) {
    const { code, exitCode, message, hint, details } = cell.error;
    throw new AssayError(code, exitCode, message, { ...(hint ? { hint } : {}), details });
  }
  const found = resolvable(lab, cell.runId);
  const { findings, engine } = found.manifest;
  const metrics = found.summary?.metrics ?? {};
  const trace = `runs/${cell.runId}/routing.jsonl`;
  if (options.json) {
    const { runId, status, reason } = cell;
    writeJson(io.stdout, { runId, status, reason, trace, metrics, findings, engine });
  } else print(found, { metrics, trace, io });
  return differs(metrics) ? Math.max(5, exitCodeOf(outcome)) : exitCodeOf(outcome);
}

/** A file that the same seed does not give again, or tokens that tracing changed. */
function differs({ bitEqualRepeats, sameTokenPairs }: Readonly<Record<string, Metric>>): boolean {
  return [bitEqualRepeats, sameTokenPairs].some((metric) => metric && metric.value !== metric.n);
}

const LAYER = /^routingEntropyLayer(\d+)$/;

function print(
  found: ResolvableRun,
  of: { metrics: Readonly<Record<string, Metric>>; trace: string; io: CommandIo },
): void {
  const { metrics, trace, io } = of;
  const say = (text: string): void => writeLine(io.stdout, text);
  const cite = (name: string): string => plainText(citeWithInterval(found, name));
  const layers = Object.keys(metrics).flatMap((name) => LAYER.exec(name)?.[1] ?? []);
  const rows = layers.map((layer) => [
    layer,
    cite(`routingEntropyLayer${layer}`),
    cite(`routingMaxOverMeanLayer${layer}`),
    String(metrics[`routingUnusedLayer${layer}`]?.value ?? ''),
  ]);
  const columns = ['Layer', 'Entropy, bits [95 %]', 'Busiest / mean [95 %]', 'Unused experts'];
  say(
    textTable(
      columns.map((title) => ({ title, align: 'right' as const })),
      rows,
    ),
  );
  const [routes, stalls] = [metrics.routes?.value, metrics.traceStalls?.value];
  say(`${routes} routes; the engine waited ${stalls} times for the writer`);
  if (metrics.bitEqualRepeats) {
    const equal = metrics.bitEqualRepeats.value === metrics.bitEqualRepeats.n;
    say(equal ? 'repeated: the same file' : 'repeated: ANOTHER file');
  }
  if (metrics.decodeOverhead) sayOverhead(metrics, { cite, say });
  const { findings, engine } = found.manifest;
  for (const { severity, message } of findings) {
    if (severity !== 'info') say(`${severity}: ${message}`);
  }
  if (engine) say(`computed as ${engine.precision}, ${engine.threads} threads`);
  say(`\nTrace: ${trace}`);
  say(`Next: assay moe analyze ${trace}`);
}

function sayOverhead(
  { sameTokenPairs }: Readonly<Record<string, Metric>>,
  { cite, say }: { cite(name: string): string; say(text: string): void },
): void {
  say(`tracing adds ${cite('decodeOverhead')} to decoding, ${cite('wallOverhead')} to the whole,`);
  say(`and ${cite('cpuOverhead')} of CPU time, that of the writer included`);
  const [traced, untraced] = [cite('decodeRateTraced'), cite('decodeRateUntraced')];
  say(`tokens decoded a second: ${traced} traced, ${untraced} untraced`);
  say(`${sameTokenPairs?.value} of ${sameTokenPairs?.n} pairs gave the same tokens`);
}

function specOf(options: Options): ExperimentSpec {
  const base = basename(options.model.replace(/\/config\.json$/, '').replace(/^\w+:/, ''));
  const slug = base.replace(/[^A-Za-z0-9._-]/g, '-').slice(0, 50) || 'model';
  const checked = checkSpec({
    name: `trace-${slug}`,
    title: `Routing of ${options.model}`,
    models: [options.model],
    schemes: [options.scheme],
    baseline: options.scheme,
    activations: options.activations,
    device: options.device,
    threads: options.threads,
    ignore: options.ignore ?? [],
    seed: options.seed,
    timeout_s: options.timeout,
    measures: [{ trace: traceOf(options) }],
  });
  if ('spec' in checked) return checked.spec;
  // The baseline is the scheme itself: what is wrong with one is wrong with the other.
  const problems = checked.problems
    .filter(({ path }) => path[0] !== 'baseline')
    .map(({ path, message }) => `${flagOf(path)}: ${message}`);
  throw new UsageError([...new Set(problems)], { hint: 'see `assay moe trace --help`' });
}

function traceOf(options: Options): Record<string, unknown> {
  const { prompts, temperature, layers, compare, parquet } = options;
  return {
    ...{ prompts, temperature, layers },
    prompt_count: options.promptCount,
    new_tokens: options.newTokens,
    batch_size: options.batchSize,
    tokens_sample: options.tokensSample,
    check_repeat: options.repeat ?? false,
    compare: compare === true ? DEFAULT_PAIRS : (compare ?? 0),
    parquet: parquet ?? false,
  };
}

const FLAGS: Readonly<Record<string, string>> = { schemes: 'scheme', check_repeat: 'repeat' };

/** `measures.0.trace.new_tokens` → `--new-tokens`. */
function flagOf(path: readonly PropertyKey[]): string {
  const name = String(path[0] === 'measures' ? path[3] : path[0]);
  return `--${(FLAGS[name] ?? name).replaceAll('_', '-')}`;
}
