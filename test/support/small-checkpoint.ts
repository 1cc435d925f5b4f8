/** A Llama checkpoint of a few hundred kilobytes with seeded weights, real in every other way. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describeArchitecture } from '../../src/engine/embedded/architecture.ts';
import { dummySource } from '../../src/engine/embedded/dummy.ts';
import { type TensorToWrite, writeSafetensors } from '../../src/weights/safetensors-write.ts';
import {
  BOS_ID,
  BYTE_VOCABULARY,
  EOS_ID,
  tokenizerConfig,
  tokenizerJson,
} from './byte-tokenizer.ts';

export interface SmallCheckpointOptions {
  /** Beside or instead of the usual keys of config.json. */
  readonly config?: Readonly<Record<string, unknown>>;
  readonly seed?: number;
  /** Default: the byte tokenizer; null: none. */
  readonly tokenizer?: Record<string, unknown> | null;
  /** Changes a tensor before it is written. */
  readonly change?: (tensor: TensorToWrite) => TensorToWrite;
}

/** 128 divides every matrix, so that each scheme gets the groups that it asks for. */
export const SMALL_CONFIG = {
  architectures: ['LlamaForCausalLM'],
  model_type: 'llama',
  hidden_size: 128,
  num_attention_heads: 4,
  num_key_value_heads: 2,
  num_hidden_layers: 2,
  intermediate_size: 256,
  vocab_size: BYTE_VOCABULARY,
  max_position_embeddings: 256,
  rms_norm_eps: 1e-5,
  rope_theta: 10_000,
  tie_word_embeddings: false,
  bos_token_id: BOS_ID,
  eos_token_id: EOS_ID,
  torch_dtype: 'bfloat16',
};

/** Writes config.json, model.safetensors and the tokenizer into `dir`, which it makes. */
export function writeSmallCheckpoint(dir: string, options: SmallCheckpointOptions = {}): string {
  const config = { ...SMALL_CONFIG, ...options.config };
  mkdirSync(dir, { recursive: true });
  const source = dummySource(describeArchitecture(config), {
    dtype: 'BF16',
    seed: options.seed ?? 7,
  });
  const tensors = source.names.map((name): TensorToWrite => {
    const { dtype, shape } = source.info(name);
    return { name, dtype, shape, data: source.read(name) };
  });
  const change = options.change ?? ((tensor: TensorToWrite) => tensor);
  writeSafetensors(join(dir, 'model.safetensors'), tensors.map(change), { format: 'pt' });
  const write = (name: string, value: unknown): void =>
    writeFileSync(join(dir, name), `${JSON.stringify(value, null, 2)}\n`);
  write('config.json', config);
  if (options.tokenizer !== null) {
    write('tokenizer.json', options.tokenizer ?? tokenizerJson());
    write('tokenizer_config.json', tokenizerConfig);
  }
  return dir;
}
