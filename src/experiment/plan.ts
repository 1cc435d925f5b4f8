/**
 * From a specification to cells. Everything that can be known before a model runs is checked
 * here, and all problems are reported together.
 */
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { type ResolvedModel, resolveModel } from '../engine/open.ts';
import { canonicalSha256 } from '../record/canonical.ts';
import { AssayError, UsageError } from '../record/errors.ts';
import {
  type Cell,
  type EngineSettings,
  type MeasureSettings,
  measureName,
  plainJson,
} from './cell.ts';
import { isWritten, refuseUnwritable } from './checkpoints.ts';
import { type MeasureData, measureData } from './measure-data.ts';
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
  const data: MeasureData[] = [];
  for (const [index, measure] of spec.measures.entries()) {
    const found = await attempt(['measures', index], () =>
      measureData(measure, context, spec.seed),
    );
    if (found) data.push(found);
  }
  const points: Point[] = [];
  for (const [modelIndex, ref] of spec.models.entries()) {
    const chosen = spec.selections?.find((entry) => entry.model === ref);
    const path = ['models', modelIndex];
    const model = await attempt(path, () => resolveModel(absoluteModel(ref, context), context));
    if (!model) continue;
    const settings: Pick<Point, 'measure' | 'dataSha256'>[] = [];
    for (const { name, sha256, cellsFor } of data) {
      if (chosen?.measures && !chosen.measures.includes(name)) continue;
      const measures = (await attempt(path, () => cellsFor(model, ref))) ?? [];
      settings.push(...measures.map((measure) => ({ measure, dataSha256: sha256 })));
    }
    for (const scheme of chosen?.schemes ?? spec.schemes) {
      const disk = chosen?.weights === 'disk' && isWritten(scheme);
      const { ignore } = spec;
      if (disk) await attempt(path, async () => refuseUnwritable(model, { scheme, ignore }));
      points.push(...settings.map((each) => ({ modelIndex, model, scheme, disk, ...each })));
    }
  }
  if (problems.length > 0) throw merged(problems, context);
  return { spec, cells: points.map((point) => cellOf(spec, point, context)) };
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
  /** Read from a checkpoint that is written first. */
  disk: boolean;
  measure: MeasureSettings;
  dataSha256: string;
}

function cellOf(spec: ExperimentSpec, point: Point, context: PlanContext): Cell {
  const { modelIndex, model, scheme, disk, measure, dataSha256 } = point;
  const ref = spec.models[modelIndex] as string;
  const engine: EngineSettings = {
    model: absoluteModel(ref, context),
    scheme,
    activations: spec.activations,
    ...(spec.device === 'cpu' ? {} : { device: spec.device }),
    threads: spec.threads ?? null,
    ignore: spec.ignore,
    seed: spec.seed,
    ...(disk ? { weights: 'disk' as const } : {}),
  };
  const { identity } = model;
  const { seed } = spec;
  return {
    experiment: spec.name,
    name: `${slug(ref)}~${scheme}~${measureName({ measure })}`,
    modelIndex,
    engine,
    measure,
    seed,
    timeoutS: spec.timeout_s ?? null,
    identity,
    dataSha256,
    key: cellKey({ engine, measure, dataSha256, identity, seed }),
  };
}

/** Paths may move and names may change; bytes and settings decide whether a result still stands. */
function cellKey(
  of: Pick<Cell, 'engine' | 'measure' | 'dataSha256' | 'identity' | 'seed'>,
): string {
  const { model: _, ...engine } = of.engine;
  const settings: Record<string, unknown> = { ...of.measure };
  for (const path of ['corpusPath', 'filePath', 'promptsPath']) delete settings[path];
  const files = of.identity.files.map((file) => file.sha256);
  const identity = { config: of.identity.configSha256, files, revision: of.identity.revision };
  const all = { engine, settings, identity, data: of.dataSha256, seed: of.seed };
  return canonicalSha256(plainJson(all));
}

function slug(ref: string): string {
  const plain = ref.replace(/^(builtin|dummy):/, '').replace(/\/config\.json$/, '');
  const last = plain
    .split('/')
    .filter((part) => !/^\.*$/.test(part))
    .slice(-2)
    .join('-');
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
