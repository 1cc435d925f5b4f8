/** `assay moe trace`: which experts a model sends its tokens to, as a one-cell experiment. */
import type { ResolvableRun } from '../../analyze/reference.ts';
import { planExperiment } from '../../experiment/plan.ts';
import { AssayError } from '../../record/errors.ts';
import { findLab } from '../../record/lab.ts';
import type { Metric } from '../../record/schema.ts';
import { citeWithInterval } from '../../report/cite.ts';
import { plainText } from '../../report/plain.ts';
import { textTable } from '../../report/table.ts';
import { downloadView } from '../download.ts';
import { execute, exitCodeOf } from '../experiment.ts';
import { type CommandIo, writeJson, writeLine } from '../io.ts';
import { oneVariant, type VariantOptions } from '../one-variant.ts';
import { builtinDir } from '../package.ts';
import { resolvable } from '../runs.ts';

interface Options extends VariantOptions {
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
  json?: boolean;
}

/** Twenty pairs give an interval of a few percent on a quiet machine. */
const DEFAULT_PAIRS = 20;

export async function run(options: Options, io: CommandIo): Promise<number> {
  const spec = oneVariant(options, {
    ...{
      prefix: 'trace',
      title: 'Routing',
      command: 'moe trace',
      flags: { check_repeat: 'repeat' },
    },
    measure: { trace: traceOf(options) },
  });
  const plan = await planExperiment(spec, {
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
