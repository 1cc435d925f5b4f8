/** Weights split over several files: the index says which file holds which tensor. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { FormatError } from '../record/errors.ts';
import { refuseOutsideLinks } from './outside-link.ts';
import { openSafetensors, type SafetensorsFile } from './safetensors.ts';
import type { TensorInfo, TensorSource } from './source.ts';

export interface Shards extends TensorSource {
  /** Shard names as the index has them, sorted. */
  readonly files: readonly string[];
}

/**
 * Opens every shard that the index names and checks that it holds what the index says. Tensors and
 * files that the index does not name are ignored, as in transformers.
 * @throws FormatError
 */
export function openShards(dir: string, index: { path: string; weightMap: unknown }): Shards {
  const byFile = groupByFile(index);
  refuseOutsideLinks(dir, [...byFile.keys()]);
  const open = new Map<string, SafetensorsFile>();
  const holder = new Map<string, SafetensorsFile>();
  try {
    for (const [name, tensors] of byFile) {
      const shard = openShard(join(dir, name), { name, tensors, index: index.path });
      open.set(name, shard);
      for (const tensor of tensors) holder.set(tensor, shard);
    }
  } catch (error) {
    for (const shard of open.values()) shard.close();
    throw error;
  }
  return new ShardedSource(index.path, holder, open);
}

/** Shard → its tensors, sorted by shard. */
function groupByFile({ path, weightMap }: { path: string; weightMap: unknown }) {
  const wrong = (message: string, got: unknown) =>
    new FormatError(`${path}: ${message}`, {
      hint: 'the index is damaged; download it again',
      details: { path, expected: '{"weight_map": {tensor: file}}', got },
    });
  if (typeof weightMap !== 'object' || weightMap === null || Array.isArray(weightMap)) {
    throw wrong('weight_map is missing or not an object', weightMap);
  }
  const byFile = new Map<string, string[]>();
  for (const [tensor, file] of Object.entries(weightMap)) {
    // A shard lies beside its index: a path could lead the reader anywhere on this machine.
    if (typeof file !== 'string' || !/^[^/\\]+\.safetensors$/.test(file)) {
      throw wrong(`weight_map names no plain *.safetensors file for "${tensor}"`, file);
    }
    const tensors = byFile.get(file);
    if (tensors === undefined) byFile.set(file, [tensor]);
    else tensors.push(tensor);
  }
  if (byFile.size === 0) throw wrong('weight_map is empty', weightMap);
  return new Map([...byFile].sort(([a], [b]) => (a < b ? -1 : 1)));
}

function openShard(
  path: string,
  { name, tensors, index }: { name: string; tensors: readonly string[]; index: string },
): SafetensorsFile {
  if (!existsSync(path)) {
    throw new FormatError(
      `${path}: this shard is missing; it should hold ${tensors.length} tensors`,
      {
        hint: `download ${name} into the model's directory`,
        details: { path, expected: tensors.length, got: 'no file' },
      },
    );
  }
  const shard = openSafetensors(path);
  const absent = tensors.filter((tensor) => !shard.has(tensor));
  if (absent.length > 0) {
    shard.close();
    throw new FormatError(
      `${path}: lacks ${absent.length} of the ${tensors.length} tensors ${index} places there,` +
        ` the first is "${absent[0]}"`,
      {
        hint: 'index and shards come from different versions of the model; download both again',
        details: { path, expected: tensors.length, got: tensors.length - absent.length },
      },
    );
  }
  return shard;
}

class ShardedSource implements Shards {
  readonly names: readonly string[];
  readonly files: readonly string[];
  readonly #indexPath: string;
  readonly #holder: ReadonlyMap<string, SafetensorsFile>;
  readonly #open: ReadonlyMap<string, SafetensorsFile>;

  constructor(
    indexPath: string,
    holder: ReadonlyMap<string, SafetensorsFile>,
    open: ReadonlyMap<string, SafetensorsFile>,
  ) {
    this.#indexPath = indexPath;
    this.#holder = holder;
    this.#open = open;
    this.names = [...holder.keys()];
    this.files = [...open.keys()];
  }

  has(name: string): boolean {
    return this.#holder.has(name);
  }

  #shardOf(name: string): SafetensorsFile {
    const shard = this.#holder.get(name);
    if (shard === undefined) {
      throw new FormatError(`${this.#indexPath}: no tensor "${name}"`, {
        hint: 'the checkpoint is not of the architecture that its config.json names',
        details: { path: this.#indexPath, expected: name },
      });
    }
    return shard;
  }

  info(name: string): TensorInfo {
    return this.#shardOf(name).info(name);
  }

  read(name: string): Uint8Array {
    return this.#shardOf(name).read(name);
  }

  close(): void {
    for (const shard of this.#open.values()) shard.close();
  }
}
