/** One measure of one variant, as its options give it: an experiment of that alone. */
import { basename } from 'node:path';
import { checkSpec, type ExperimentSpec } from '../experiment/spec.ts';
import { UsageError } from '../record/errors.ts';

export interface VariantOptions {
  readonly model: string;
  readonly scheme: string;
  readonly activations: 'int8' | 'f32';
  readonly device: 'cpu' | 'webgpu';
  readonly threads?: number;
  readonly ignore?: string[];
  readonly seed: number;
  readonly timeout?: number;
}

interface Measured {
  /** `eval`: names the experiment. */
  readonly prefix: string;
  /** `Evaluation`: heads its log. */
  readonly title: string;
  /** As an entry of `measures` in an experiment file. */
  readonly measure: Readonly<Record<string, unknown>>;
  /** `moe trace`: whose `--help` has the options. */
  readonly command: string;
  /** Settings whose option has another name. */
  readonly flags?: Readonly<Record<string, string>>;
}

/** Throws UsageError with all that is wrong, by the names of the options. */
export function oneVariant(options: VariantOptions, of: Measured): ExperimentSpec {
  const { model, scheme, activations, device, threads, seed } = options;
  const base = basename(model.replace(/\/config\.json$/, '').replace(/^\w+:/, ''));
  const slug = base.replace(/[^A-Za-z0-9._-]/g, '-').slice(0, 50) || 'model';
  const checked = checkSpec({
    name: `${of.prefix}-${slug}`,
    title: `${of.title} of ${model}`,
    models: [model],
    schemes: [scheme],
    baseline: scheme,
    ...{ activations, device, threads, seed },
    ignore: options.ignore ?? [],
    timeout_s: options.timeout,
    measures: [of.measure],
  });
  if ('spec' in checked) return checked.spec;
  const flags = { schemes: 'scheme', timeout_s: 'timeout', ...of.flags };
  // The baseline is the scheme itself: what is wrong with one is wrong with the other.
  const problems = checked.problems
    .filter(({ path }) => path[0] !== 'baseline')
    .map(({ path, message }) => `${flagOf(path, flags)}: ${message}`);
  throw new UsageError([...new Set(problems)], { hint: `see \`assay ${of.command} --help\`` });
}

/** `measures.0.bench.batch_sizes.1` → `--batch-sizes`. */
function flagOf(path: readonly PropertyKey[], flags: Readonly<Record<string, string>>): string {
  const name = String(path[0] === 'measures' ? path[3] : path[0]);
  return `--${(flags[name] ?? name).replaceAll('_', '-')}`;
}
