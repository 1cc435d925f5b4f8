/** From what the user wrote to a model on this machine, with the identity that records name. */
import { existsSync, readFileSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { sha256File, sha256Hex } from '../record/canonical.ts';
import { FormatError, UsageError } from '../record/errors.ts';
import type { ModelIdentity } from '../record/schema.ts';
import { openCheckpoint } from '../weights/checkpoint.ts';
import { isHubId } from '../weights/hub-id.ts';
import { modelSource } from '../weights/quantized-source.ts';
import type { TensorSource } from '../weights/source.ts';
import { type Architecture, describeArchitecture } from './embedded/architecture.ts';
import { dummyDtype, dummySource } from './embedded/dummy.ts';
import { checkTensors, countParameters, expectedTensors } from './embedded/tensors.ts';

export interface ResolveOptions {
  /** Folder of the models that ship with the package. */
  readonly builtinDir: string;
  /** For hub ids: HF_TOKEN, HF_HOME, HF_ENDPOINT and the like. */
  readonly env: Readonly<Record<string, string | undefined>>;
  onDownload?(progress: { file: string; bytes: number; ofBytes: number }): void;
}

/** A reference that has been found, not opened. */
export interface LocatedModel {
  readonly ref: string;
  readonly source: ModelIdentity['source'];
  /** Directory of config.json and the tokenizer. */
  readonly dir: string;
  readonly revision: string | null;
}

export interface OpenedModel {
  readonly located: LocatedModel;
  readonly arch: Architecture;
  readonly tensors: TensorSource;
  /** Names in `dir` of the files that decide what the model computes. */
  readonly files: readonly string[];
}

/**
 * `builtin:NAME`, `dummy:PATH/config.json`, a local directory, or a hub id `org/name[@revision]`.
 * @throws UsageError for a reference that is none of these
 */
export async function locateModel(ref: string, options: ResolveOptions): Promise<LocatedModel> {
  if (ref.startsWith('builtin:')) {
    const dir = join(options.builtinDir, ref.slice('builtin:'.length));
    if (existsSync(join(dir, 'config.json'))) {
      return { ref, source: 'builtin', dir, revision: null };
    }
    throw new UsageError(`${ref}: there is no such built-in model`, {
      hint: 'The quickstart experiment names the models that ship with the package.',
    });
  }
  if (ref.startsWith('dummy:')) {
    const path = ref.slice('dummy:'.length);
    const isFile = statSync(path, { throwIfNoEntry: false })?.isFile() ?? false;
    if (isFile) return { ref, source: 'dummy', dir: dirname(path), revision: null };
    throw new UsageError(`${ref}: ${path} is not a file`, {
      hint: 'dummy: takes the path of a config.json.',
    });
  }
  if (existsSync(ref)) return { ref, source: 'directory', dir: ref, revision: null };
  if (!isHubId(ref)) {
    throw new UsageError(`${ref}: no such directory`, {
      hint: 'Name a directory with a checkpoint, builtin:NAME, dummy:CONFIG, or org/name.',
    });
  }
  const { fetchModel } = await import('../weights/hub.ts');
  const { onDownload } = options;
  const { dir, commit } = await fetchModel(ref, {
    env: options.env,
    ...(onDownload && {
      onProgress: ({ file, bytes, totalBytes }) => onDownload({ file, bytes, ofBytes: totalBytes }),
    }),
  });
  return { ref, source: 'hub', dir, revision: commit };
}

/** Opens config and weights and checks that they fit. The caller closes `tensors`. */
export function openModel(located: LocatedModel, seed: number): OpenedModel {
  if (located.source === 'dummy') {
    const path = located.ref.slice('dummy:'.length);
    const config = readConfig(path);
    const arch = describeArchitecture(config);
    const tensors = dummySource(arch, { dtype: dummyDtype(config), seed });
    return { located, arch, tensors, files: [] };
  }
  const { config, source: stored, files } = openCheckpoint(located.dir);
  let source: TensorSource = stored;
  try {
    source = modelSource(stored, { config, path: located.dir });
    const arch = describeArchitecture(config, (name) => source.has(name));
    checkTensors(arch, source);
    return { located, arch, tensors: source, files };
  } catch (error) {
    source.close();
    throw error;
  }
}

function readConfig(path: string): Record<string, unknown> {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch (cause) {
    throw new FormatError(`${path}: cannot be read as JSON (${(cause as Error).message})`, {
      details: { path },
      cause,
    });
  }
}

/** Reads every byte of the model once, for its hashes. */
export async function identify(model: OpenedModel): Promise<ModelIdentity> {
  const { located, arch } = model;
  const dummy = located.source === 'dummy';
  const configPath = dummy ? located.ref.slice('dummy:'.length) : join(located.dir, 'config.json');
  const files = [];
  for (const path of model.files) {
    const full = join(located.dir, path);
    files.push({ path, bytes: statSync(full).size, sha256: await sha256File(full) });
  }
  return {
    id: located.ref,
    source: located.source,
    revision: located.revision,
    architecture: arch.className,
    parameters: countParameters(arch),
    storedDtype: commonDtype(model),
    dummyWeights: dummy,
    configSha256: sha256Hex(readFileSync(configPath)),
    files,
  };
}

/**
 * A model that was identified before must still be that model.
 * @throws FormatError that names the first file that is gone, new, or of another size
 */
export function checkIdentity(model: OpenedModel, identity: ModelIdentity): void {
  const known = new Map(identity.files.map(({ path, bytes }) => [path, bytes]));
  for (const path of new Set([...known.keys(), ...model.files])) {
    const file = join(model.located.dir, path);
    const bytes = statSync(file, { throwIfNoEntry: false })?.size;
    if (bytes === known.get(path)) continue;
    throw new FormatError(`${file} changed after the model was resolved`, {
      hint: 'Run it again without touching the files of the model meanwhile.',
      details: { path: file, expected: known.get(path) ?? 'no such file', got: bytes ?? 'gone' },
    });
  }
}

/** The dtype that holds most bytes of what the model reads. */
function commonDtype({ arch, tensors }: OpenedModel): string {
  const bytes = new Map<string, number>();
  for (const { name } of expectedTensors(arch)) {
    const info = tensors.info(name);
    bytes.set(info.dtype, (bytes.get(info.dtype) ?? 0) + info.bytes);
  }
  const [most] = [...bytes].sort((a, b) => b[1] - a[1]);
  return most?.[0] ?? 'unknown';
}
