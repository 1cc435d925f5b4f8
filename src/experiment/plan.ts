/**
 * From a specification to cells. Everything that can be known before a model runs is checked
 * here, and all problems are reported together.
 */
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { type ResolvedModel, resolveModel } from '../engine/open.ts';
import { loadCorpus } from '../measure/eval/corpus.ts';
import { loadItems } from '../measure/task/plan.ts';
import { canonicalJson, sha256File, sha256Hex } from '../record/canonical.ts';
import { AssayError, FormatError, UsageError } from '../record/errors.ts';
import { type Cell, type EngineSettings, type MeasureSettings, plainJson } from './cell.ts';
import { contextOf } from './cell-plan.ts';
import type { ExperimentSpec, LineOf } from './spec.ts';

export interface PlanContext {
  /** Paths in the specification are relative to this. */
  readonly baseDir: string;
  /** Folder of the models that ship with the package. */
  readonly builtinDir: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** File and lines for messages; absent for a one-cell experiment made of flags. */
  readonly place?: { readonly file: string; readonly lineOf: LineOf };
  onDownload?(progress: { file: string; bytes: number; ofBytes: number }): void;
}

export interface ExperimentPlan {
  readonly spec: ExperimentSpec;
  readonly cells: readonly Cell[];
}

interface Problem {
  readonly path: readonly PropertyKey[];
  readonly error: AssayError;
}

interface Data {
  readonly settings: MeasureSettings;
  readonly sha256: string;
  readonly name: string;
  readonly needsTokenizer: boolean;
}

/** Throws UsageError or FormatError that names every problem found. */
export async function planExperiment(
  spec: ExperimentSpec,
  context: PlanContext,
): Promise<ExperimentPlan> {
  const problems: Problem[] = [];
  const attempt = async <T>(path: PropertyKey[], work: () => Promise<T>): Promise<T | null> => {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof AssayError)) throw error;
      problems.push({ path, error });
      return null;
    }
  };
  const data: Data[] = [];
  for (const [index, measure] of spec.measures.entries()) {
    const found = await attempt(['measures', index], () => dataOf(measure, context));
    if (found) data.push(found);
  }
  const models: ResolvedModel[] = [];
  for (const [index, ref] of spec.models.entries()) {
    const model = await attempt(['models', index], async () => {
      const found = await resolveModel(absoluteModel(ref, context), context);
      for (const needs of data) {
        checkTokenizer(ref, found, needs);
        if (needs.settings.kind === 'eval') contextOf(needs.settings, found.maxPositions);
      }
      return found;
    });
    if (model) models.push(model);
  }
  if (problems.length > 0) throw merged(problems, context);
  const cells = models.flatMap((model, m) =>
    spec.schemes.flatMap((scheme) =>
      data.map((d) => cellOf(spec, { modelIndex: m, model, scheme, d }, context)),
    ),
  );
  return { spec, cells };
}

function checkTokenizer(ref: string, model: ResolvedModel, data: Data): void {
  if (!data.needsTokenizer || model.tokenizer) return;
  throw new FormatError(`${ref}: no tokenizer.json, and measure ${data.name} scores text`, {
    hint: 'put the tokenizer files beside the weights, or use rows with "input_ids"',
  });
}

async function dataOf(
  measure: ExperimentSpec['measures'][number],
  context: PlanContext,
): Promise<Data> {
  if (measure.eval) {
    const { corpus, ...rest } = measure.eval;
    const corpusPath = dataPath(corpus, context);
    const documents = await loadCorpus(corpusPath);
    if (rest.context !== undefined && (rest.stride ?? 1) > rest.context) {
      throw new UsageError(`stride ${rest.stride} is larger than context ${rest.context}`, {
        hint: 'tokens between two windows would be left out: a stride is at most the context',
      });
    }
    return {
      settings: { kind: 'eval', corpusPath, ...rest },
      sha256: await sha256File(corpusPath),
      name: 'eval',
      needsTokenizer: documents.some((document) => 'text' in document),
    };
  }
  const { file, ...rest } = measure.task as NonNullable<typeof measure.task>;
  const filePath = dataPath(file, context);
  await loadItems(filePath);
  return {
    settings: { kind: 'task', filePath, ...rest },
    sha256: await sha256File(filePath),
    name: rest.name,
    needsTokenizer: true,
  };
}

/** `builtin:NAME/FILE` is a file of a built-in model; anything else is a path. */
function dataPath(ref: string, context: PlanContext): string {
  return ref.startsWith('builtin:')
    ? resolve(context.builtinDir, ref.slice('builtin:'.length))
    : resolve(context.baseDir, ref);
}

/** Directories and dummy configs are made absolute; hub ids and built-ins stay as they are. */
export function absoluteModel(ref: string, context: Pick<PlanContext, 'baseDir'>): string {
  if (ref.startsWith('builtin:')) return ref;
  if (ref.startsWith('dummy:')) return `dummy:${resolve(context.baseDir, ref.slice(6))}`;
  const path = resolve(context.baseDir, ref);
  const looksLikePath = /^[./~]/.test(ref) || existsSync(path);
  return looksLikePath ? path : ref;
}

interface Point {
  modelIndex: number;
  model: ResolvedModel;
  scheme: string;
  d: Data;
}

function cellOf(spec: ExperimentSpec, point: Point, context: PlanContext): Cell {
  const { modelIndex, model, scheme, d } = point;
  const ref = spec.models[modelIndex] as string;
  const engine: EngineSettings = {
    model: absoluteModel(ref, context),
    scheme,
    activations: spec.activations,
    threads: spec.threads ?? null,
    ignore: spec.ignore,
    seed: spec.seed,
  };
  const { identity } = model;
  return {
    experiment: spec.name,
    name: `${slug(ref)}~${scheme}~${d.name}`,
    modelIndex,
    engine,
    measure: d.settings,
    seed: spec.seed,
    timeoutS: spec.timeout_s ?? null,
    identity,
    dataSha256: d.sha256,
    key: cellKey({ engine, d, identity, seed: spec.seed }),
  };
}

/** Paths may move and names may change; bytes and settings decide whether a result still stands. */
function cellKey(of: {
  engine: EngineSettings;
  d: Data;
  identity: ResolvedModel['identity'];
  seed: number;
}): string {
  const { model: _, ...engine } = of.engine;
  const settings: Record<string, unknown> = { ...of.d.settings };
  delete settings.corpusPath;
  delete settings.filePath;
  const files = of.identity.files.map((file) => file.sha256);
  const identity = { config: of.identity.configSha256, files, revision: of.identity.revision };
  const all = { engine, settings, identity, data: of.d.sha256, seed: of.seed };
  return sha256Hex(canonicalJson(plainJson(all)));
}

function slug(ref: string): string {
  const plain = ref.replace(/^(builtin|dummy):/, '').replace(/\/config\.json$/, '');
  const last = plain.split('/').filter((part) => !/^\.*$/.test(part)).slice(-2).join('-');
  return (last || 'model').replace(/[^A-Za-z0-9._-]/g, '-').replace(/^\.+/, '');
}

function merged(problems: readonly Problem[], context: PlanContext): AssayError {
  const lines = problems.flatMap(({ path, error }) => {
    const at = context.place ? `${context.place.file}:${context.place.lineOf(path)}: ` : '';
    return error.message.split('\n').map((line) => at + line);
  });
  const hint = problems.find((problem) => problem.error.hint)?.error.hint;
  const options = hint === undefined ? {} : { hint };
  const first = problems[0]?.error as AssayError;
  if (problems.length === 1 && !context.place) return first;
  return problems.some(({ error }) => error instanceof UsageError)
    ? new UsageError(lines, options)
    : new AssayError(first.code, first.exitCode, lines.join('\n'), options);
}
