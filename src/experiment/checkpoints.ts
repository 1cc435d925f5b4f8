/**
 * `weights: disk`: the quantized schemes of a model are written as checkpoints first, each a
 * recorded conversion, and the checkpoints are what is measured. A checkpoint is named after all
 * that decides its bytes, so a later run takes it as it is, if it is still what was written.
 */
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { type ResolvedModel, resolveModel } from '../engine/open.ts';
import { canonicalSha256 } from '../record/canonical.ts';
import { FormatError, UsageError } from '../record/errors.ts';
import type { Lab } from '../record/lab.ts';
import { listRuns } from '../record/run-reader.ts';
import { planQuantize } from '../weights/convert/conversion-plan.ts';
import type { OutputFormat } from '../weights/convert/output-format.ts';
import { lookAt } from '../weights/looked-at.ts';
import { parseScheme } from '../weights/scheme.ts';
import type { Cell, CellCheckpoint } from './cell.ts';
import { recordConversion, writtenFiles } from './conversion-run.ts';
import { finished, sameCell } from './past-runs.ts';
import type { ExperimentPlan } from './plan.ts';
import type { SuperviseState } from './supervise-context.ts';

/** Plain floats are what the model's own files are, or round to: nothing is written for them. */
export function isWritten(scheme: string): boolean {
  return parseScheme(scheme).family !== 'float';
}

function request(scheme: string, ignore: readonly string[]) {
  const parsed = parseScheme(scheme);
  const format: OutputFormat = parsed.layout === 'block' ? 'fp8' : 'compressed-tensors';
  return { scheme: parsed, format, ignore };
}

/** @throws UsageError, FormatError for a model or a scheme that no checkpoint can be written of */
export function refuseUnwritable(
  model: ResolvedModel,
  { scheme, ignore }: { readonly scheme: string; readonly ignore: readonly string[] },
): void {
  if (model.identity.source === 'dummy') {
    throw new UsageError(`${model.identity.id} has no files that could be quantized on disk`, {
      hint: 'leave out `weights: disk`: its schemes are then quantized in memory',
    });
  }
  const input = lookAt(model.dir);
  try {
    planQuantize(input, request(scheme, ignore));
  } finally {
    input.close();
  }
}

/**
 * The plan, where each cell that is to be measured knows its checkpoint.
 * @throws what a conversion throws; FormatError for a checkpoint that is not what was written
 */
export async function withCheckpoints(
  plan: ExperimentPlan,
  state: SuperviseState,
): Promise<ExperimentPlan> {
  if (!plan.cells.some(({ engine }) => engine.weights === 'disk')) return plan;
  const runs = listRuns(state.lab);
  const known = new Map<string, Promise<CellCheckpoint>>();
  const cells: Cell[] = [];
  for (const cell of plan.cells) {
    const past = runs.filter((entry) => sameCell(entry, cell));
    const stands = (state.reuse ?? true) && finished(past) !== null;
    if (cell.engine.weights !== 'disk' || stands || state.signal.aborted) {
      cells.push(cell);
      continue;
    }
    const path = pathOf(cell, state.environment.assay);
    const found = known.get(path) ?? checkpointOf(cell, path, state);
    known.set(path, found);
    cells.push({ ...cell, checkpoint: await found });
  }
  return { ...plan, cells };
}

/** `checkpoints/assay-tiny~int4-g128-1f2e3d4c`: the name, and a hash of what decides the bytes. */
function pathOf({ name, engine, identity }: Cell, version: string): string {
  const { scheme, ignore } = engine;
  const files = identity.files.map(({ path, sha256 }) => [path, sha256]);
  const decides = { files, config: identity.configSha256, scheme, ignore, version };
  const variant = name.split('~').slice(0, 2).join('~');
  return join('checkpoints', `${variant}-${canonicalSha256(decides).slice(0, 8)}`);
}

async function checkpointOf(
  cell: Cell,
  path: string,
  state: SuperviseState,
): Promise<CellCheckpoint> {
  const { lab, builtinDir, env } = state;
  const dir = join(lab.root, path);
  const { format } = request(cell.engine.scheme, []);
  const run = existsSync(dir) ? writerOf(path, lab) : await write(cell, path, state);
  const { identity } = await resolveModel(dir, { builtinDir, env });
  const expected = new Map(run.files.map((file) => [file.path, file.sha256]));
  const config = { path: 'config.json', sha256: identity.configSha256 };
  for (const { path: name, sha256 } of [config, ...identity.files]) {
    if (expected.get(name) === sha256) continue;
    throw new FormatError(`${join(path, name)}: is not what ${run.runId} wrote`, {
      hint: `delete ${path}: the next run writes it again`,
      details: { path: join(dir, name), expected: expected.get(name) ?? null, got: sha256 },
    });
  }
  return { dir, path, format, run: run.runId, identity };
}

interface Writer {
  readonly runId: string;
  readonly files: ReturnType<typeof writtenFiles>;
}

function writerOf(path: string, lab: Lab): Writer {
  for (const entry of listRuns(lab).toReversed()) {
    if (entry.kind !== 'closed' || entry.manifest.experiment !== 'weights') continue;
    const { config, status, findings } = entry.manifest;
    const { out } = Object(config.settings) as { out?: unknown };
    if (status !== 'succeeded' || out !== join(lab.root, path)) continue;
    return { runId: entry.runId, files: writtenFiles(findings) };
  }
  throw new UsageError(`${path}: exists, and no run says that it wrote it`, {
    hint: 'delete it: the next run writes it again',
  });
}

async function write(cell: Cell, path: string, state: SuperviseState): Promise<Writer> {
  const { lab, argv, environment, signal, onEvent, builtinDir, env } = state;
  const { scheme, ignore } = cell.engine;
  onEvent({ type: 'checkpoint-write', cell, path });
  mkdirSync(join(lab.root, 'checkpoints'), { recursive: true });
  const { dir: from } = await resolveModel(cell.engine.model, { builtinDir, env });
  const input = lookAt(from);
  try {
    const wanted = request(scheme, ignore);
    const settings = { scheme, format: wanted.format, ignore };
    const plan = planQuantize(input, wanted);
    const out = join(lab.root, path);
    const options = { lab, argv, environment, signal, cwd: lab.root, verify: true, hash: true };
    const { manifest } = await recordConversion(
      { verb: 'quantize', scheme, settings, input, plan, out },
      options,
    );
    return { runId: manifest.runId, files: writtenFiles(manifest.findings) };
  } finally {
    input.close();
  }
}
