/** The way in: a model reference and settings become an engine. Heavy packages load on use. */
import { UsageError } from '../record/errors.ts';
import type { ModelIdentity } from '../record/schema.ts';
import { parseScheme } from '../weights/scheme.ts';
import { routingShape } from './embedded/moe-shape.ts';
import type { Engine, RoutingShape } from './engine.ts';
import { checkIdentity, identify, locateModel, openModel, type ResolveOptions } from './resolve.ts';
import { loadTokenizer, type Tokenizer } from './tokenizer.ts';

export interface ResolvedModel {
  readonly identity: ModelIdentity;
  /** Directory of config.json and the tokenizer. */
  readonly dir: string;
  readonly maxPositions: number;
  readonly vocabSize: number;
  readonly tokenizer: Tokenizer | null;
  /** Of a classification head; null where the model continues text. */
  readonly labels: readonly string[] | null;
  /** Of a mixture of experts; null where the model has no routers. */
  readonly routing: RoutingShape | null;
}

/**
 * Finds a model (downloads it if need be), checks config, tensors and tokenizer, and hashes its
 * files. Nothing stays open.
 * @throws UsageError for a reference that is not found, FormatError for files that do not fit
 */
export async function resolveModel(ref: string, options: ResolveOptions): Promise<ResolvedModel> {
  const located = await locateModel(ref, options);
  const model = openModel(located, 0);
  try {
    const { vocabSize, maxPositions, labels } = model.arch;
    const routing = routingShape(model.arch.moe);
    const tokenizer = await loadTokenizer(located.dir, vocabSize);
    const identity = await identify(model);
    return { identity, dir: located.dir, maxPositions, vocabSize, tokenizer, labels, routing };
  } finally {
    model.tensors.close();
  }
}

export interface OpenEngineOptions extends ResolveOptions {
  readonly model: string;
  readonly scheme: string;
  /** What integer schemes multiply: `int8` (default, fast) or `f32` (weight-only). */
  readonly activations?: 'int8' | 'f32';
  /** `webgpu` runs on a GPU or not at all; default `cpu`. */
  readonly device?: 'cpu' | 'webgpu';
  /** Default: physical cores. */
  readonly threads?: number;
  /** Tokens of the largest batch, padding included; default 4096. */
  readonly batchTokens?: number;
  /** Modules to keep unquantized beside the default ones. */
  readonly ignore?: readonly string[];
  /** Also tell what routers choose (`WithRouting`); refused where the model has none. */
  readonly routing?: boolean;
  /** Of dummy weights; default 0. */
  readonly seed?: number;
  /** Known already: the files are then not hashed again. */
  readonly identity?: ModelIdentity;
}

const BATCH_TOKENS = 4096;

/** A hub model that was resolved before stays at the commit found then: a branch may move on. */
function pinned({ model, identity }: OpenEngineOptions): string {
  if (identity?.source !== 'hub' || identity.revision === null) return model;
  return `${model.replace(/@.*$/, '')}@${identity.revision}`;
}

/**
 * Opens the embedded engine. The caller closes it.
 * @throws UsageError, FormatError, LimitError before anything is loaded; EngineError while loading
 */
export async function openEngine(options: OpenEngineOptions): Promise<Engine> {
  const { threads, ignore, seed = 0, activations = 'int8', device = 'cpu' } = options;
  if (threads !== undefined && !(Number.isInteger(threads) && threads >= 1)) {
    throw new UsageError(`threads must be 1 or more, got ${threads}`);
  }
  const scheme = parseScheme(options.scheme);
  const located = await locateModel(pinned(options), options);
  const model = openModel(located, seed);
  try {
    if (options.identity !== undefined) checkIdentity(model, options.identity);
    const { openEmbedded } = await import('./embedded/embedded-engine.ts');
    return await openEmbedded({
      arch: model.arch,
      source: model.tensors,
      identity: options.identity ?? (await identify(model)),
      scheme,
      activations,
      device,
      batchTokens: options.batchTokens ?? BATCH_TOKENS,
      modelDir: located.dir,
      ...(threads === undefined ? {} : { threads }),
      ...(ignore === undefined ? {} : { ignore }),
      ...(options.routing && { routing: true }),
    });
  } finally {
    model.tensors.close();
  }
}
