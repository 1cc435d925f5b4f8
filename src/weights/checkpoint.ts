/** A model directory in the Hugging Face layout: config.json, weights in one file or in shards. */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { FormatError } from '../record/errors.ts';
import { isLfsPointer } from './header.ts';
import { findDuplicateKey } from './json-strictness.ts';
import { refuseOutsideLinks } from './outside-link.ts';
import { openSafetensors } from './safetensors.ts';
import { openShards } from './shards.ts';
import type { TensorSource } from './source.ts';

export interface Checkpoint {
  readonly dir: string;
  /** config.json as parsed; reading its keys is the engine's business. */
  readonly config: Readonly<Record<string, unknown>>;
  readonly generationConfig: Readonly<Record<string, unknown>> | null;
  readonly source: TensorSource;
  /** Names in `dir` of all files that decide what the model computes, sorted: hash these. */
  readonly files: readonly string[];
}

const SINGLE = 'model.safetensors';
const INDEX = 'model.safetensors.index.json';

/** Beside config and weights, these decide what a text becomes: they are part of the model. */
const COMPANIONS: readonly string[] = [
  'generation_config.json',
  'tokenizer.json',
  'tokenizer_config.json',
  'special_tokens_map.json',
  'added_tokens.json',
  'vocab.json',
  'merges.txt',
  'tokenizer.model',
  'chat_template.jinja',
];

/**
 * Opens a checkpoint and checks config.json, the index, and the header of every weight file. The
 * files stay open until `source.close()`.
 * @throws FormatError that names the file
 */
export function openCheckpoint(dir: string): Checkpoint {
  if (!statSync(dir, { throwIfNoEntry: false })?.isDirectory()) {
    throw new FormatError(`${dir}: not a directory`, {
      hint: 'name a directory that holds config.json and *.safetensors, or a hub id org/name',
      details: { path: dir },
    });
  }
  refuseOutsideLinks(dir, ['config.json', ...COMPANIONS]);
  const config = readJson(join(dir, 'config.json'));
  const generation = join(dir, 'generation_config.json');
  const generationConfig = existsSync(generation) ? readJson(generation) : null;
  const { source, weightFiles } = openWeights(dir);
  const companions = COMPANIONS.filter((name) => existsSync(join(dir, name)));
  const files = ['config.json', ...companions, ...weightFiles].sort();
  return { dir, config, generationConfig, source, files };
}

/** The weights alone, in one file or as the index says; the caller closes them. */
export function openWeights(dir: string): { source: TensorSource; weightFiles: string[] } {
  refuseOutsideLinks(dir, [SINGLE, INDEX]);
  // As in transformers: a single file comes before an index that may be left over.
  if (existsSync(join(dir, SINGLE))) {
    return { source: openSafetensors(join(dir, SINGLE)), weightFiles: [SINGLE] };
  }
  if (existsSync(join(dir, INDEX))) {
    const path = join(dir, INDEX);
    const shards = openShards(dir, { path, weightMap: readJson(path).weight_map });
    return { source: shards, weightFiles: [INDEX, ...shards.files] };
  }
  const others = readdirSync(dir).filter((name) => /\.(safetensors|bin|pth?|gguf)$/.test(name));
  throw new FormatError(`${dir}: neither ${SINGLE} nor ${INDEX} is there`, {
    hint:
      others.length === 0
        ? 'the weights are missing; download the whole model'
        : `weights must be safetensors in the Hugging Face layout; found ${others.join(', ')}`,
    details: { path: dir, expected: [SINGLE, INDEX], got: others },
  });
}

/** @throws FormatError if it is missing, not JSON, not an object, or has a key twice */
export function readJson(path: string): Record<string, unknown> {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (cause) {
    throw new FormatError(`${path}: cannot be read (${(cause as NodeJS.ErrnoException).code})`, {
      hint: 'download the whole model: config.json belongs beside the weights',
      details: { path },
      cause,
    });
  }
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch (cause) {
    throw new FormatError(`${path}: not JSON (${(cause as Error).message})`, {
      hint: isLfsPointer(Buffer.from(text))
        ? 'it is a Git LFS pointer: run `git lfs pull` in the repository of the model'
        : 'the file is damaged; download it again',
      details: { path, expected: 'JSON', got: text.slice(0, 40) },
      cause,
    });
  }
  const twice = findDuplicateKey(text);
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed) || twice !== null) {
    const got = twice === null ? 'something else' : `the key "${twice.key}" twice`;
    throw new FormatError(`${path}: expected a JSON object with unique keys, got ${got}`, {
      hint: 'the file is damaged; download it again',
      details: { path, offset: twice?.at, expected: 'an object', got },
    });
  }
  return parsed as Record<string, unknown>;
}
