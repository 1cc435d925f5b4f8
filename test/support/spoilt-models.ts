/** Ways in which a checkpoint is not what it must be, and what is said about each. */
import { readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { tokenizerJson } from './byte-tokenizer.ts';
import { GIT_LFS_POINTER } from './refusal.ts';
import { SMALL_CONFIG } from './small-checkpoint.ts';

function withHeader(dir: string, header: string, data = 0): void {
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(Buffer.byteLength(header)));
  const bytes = Buffer.concat([length, Buffer.from(header), Buffer.alloc(data)]);
  writeFileSync(join(dir, 'model.safetensors'), bytes);
}

const weights = (dir: string): string => join(dir, 'model.safetensors');
const config = (dir: string, changes: Record<string, unknown>): void =>
  writeFileSync(join(dir, 'config.json'), JSON.stringify({ ...SMALL_CONFIG, ...changes }));
const NAME = 'model.embed_tokens.weight';
type Spoilt = readonly [string, (dir: string) => void, message: RegExp, hint?: RegExp];

export const SPOILT_MODELS: readonly Spoilt[] = [
  [
    'an unknown architecture: the known ones are listed',
    (dir) => config(dir, { architectures: ['MambaForCausalLM'], model_type: 'mamba' }),
    /MambaForCausalLM is not supported\n.*LlamaForCausalLM, .*Qwen/,
  ],
  [
    'a quantization that is not understood',
    (dir) => config(dir, { quantization_config: { quant_method: 'bitsandbytes' } }),
    /quantization_config: quant_method "bitsandbytes"/,
  ],
  [
    'a config without a needed key',
    (dir) => config(dir, { hidden_size: null }),
    /hidden_size/,
    /got undefined/,
  ],
  [
    'a config with a hostile dimension',
    (dir) => config(dir, { num_hidden_layers: 1e12 }),
    /num_hidden_layers/,
    /got 1000000000000/,
  ],
  [
    'a config that contradicts the weights',
    (dir) => config(dir, { intermediate_size: 512 }),
    /\[?512/,
  ],
  [
    'a config with more layers than the weights',
    (dir) => config(dir, { num_hidden_layers: 3 }),
    /model\.layers\.2\./,
  ],
  [
    'no config.json',
    (dir) => rmSync(join(dir, 'config.json')),
    /config\.json: cannot be read \(ENOENT\)/,
  ],
  [
    'a config.json that is no JSON',
    (dir) => writeFileSync(join(dir, 'config.json'), '{"a": '),
    /config\.json: not JSON/,
  ],
  ['no weights', (dir) => rmSync(weights(dir)), /neither model\.safetensors nor/],
  [
    'a Git-LFS pointer for weights',
    (dir) => writeFileSync(weights(dir), GIT_LFS_POINTER),
    /[Ll][Ff][Ss]/,
  ],
  [
    'a Git-LFS pointer for config.json',
    (dir) => writeFileSync(join(dir, 'config.json'), GIT_LFS_POINTER),
    /[Ll][Ff][Ss]/,
  ],
  [
    'an HTML page for weights',
    (dir) => writeFileSync(weights(dir), '<!DOCTYPE html><html>Sign in</html>'),
    /model\.safetensors/,
  ],
  ['empty weights', (dir) => truncateSync(weights(dir), 0), /model\.safetensors/],
  ['weights cut off in the header', (dir) => truncateSync(weights(dir), 100), /model\.safetensors/],
  [
    'weights cut off in the data',
    (dir) => truncateSync(weights(dir), readFileSync(weights(dir)).length - 1),
    /model\.safetensors/,
  ],
  [
    'weights with bytes behind the end',
    (dir) => writeFileSync(weights(dir), 'x', { flag: 'a' }),
    /model\.safetensors/,
  ],
  [
    'a header that claims 2^63 bytes',
    (dir) => writeFileSync(weights(dir), Buffer.from('000000000000008000', 'hex')),
    /model\.safetensors/,
  ],
  ['a header that is no JSON', (dir) => withHeader(dir, '{"a": [1, 2'), /model\.safetensors/],
  [
    'a header of 100,000 brackets',
    (dir) => withHeader(dir, '['.repeat(100_000)),
    /model\.safetensors/,
  ],
  [
    'a tensor beyond the end of the file',
    (dir) => withHeader(dir, `{"${NAME}":{"dtype":"F32","shape":[4],"data_offsets":[0,16]}}`),
    /model\.safetensors/,
  ],
  [
    'a tensor of 2^53 elements',
    (dir) =>
      withHeader(
        dir,
        `{"${NAME}":{"dtype":"F32","shape":[9007199254740991,9],"data_offsets":[0,16]}}`,
        16,
      ),
    /model\.safetensors/,
  ],
  [
    'tensors that overlap',
    (dir) =>
      withHeader(
        dir,
        '{"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},' +
          '"b":{"dtype":"U8","shape":[4],"data_offsets":[2,6]}}',
        6,
      ),
    /model\.safetensors/,
  ],
  [
    'a header with __proto__ as a tensor',
    (dir) => withHeader(dir, '{"__proto__":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}', 1),
    /./,
  ],
  [
    'an index that names a shard that is not there',
    (dir) => {
      rmSync(weights(dir));
      const index = { metadata: {}, weight_map: { [NAME]: 'model-00001-of-00002.safetensors' } };
      writeFileSync(join(dir, 'model.safetensors.index.json'), JSON.stringify(index));
    },
    /model-00001-of-00002\.safetensors/,
  ],
  [
    'an index that leaves the directory',
    (dir) => {
      const outside = join(dir, '..', 'outside.safetensors');
      writeFileSync(outside, readFileSync(weights(dir)));
      rmSync(weights(dir));
      const index = { weight_map: { [NAME]: '../outside.safetensors' } };
      writeFileSync(join(dir, 'model.safetensors.index.json'), JSON.stringify(index));
    },
    /index\.json: weight_map names no plain \*\.safetensors file/,
  ],
  [
    'no tokenizer where text is scored',
    (dir) => rmSync(join(dir, 'tokenizer.json')),
    /no tokenizer\.json/,
  ],
  [
    'a tokenizer that is no JSON',
    (dir) => writeFileSync(join(dir, 'tokenizer.json'), '{'),
    /tokenizer\.json/,
  ],
  [
    'a tokenizer that is none',
    (dir) => writeFileSync(join(dir, 'tokenizer.json'), '{"model":{"type":"Magic"}}'),
    /tokenizer\.json/,
  ],
  [
    'a Git-LFS pointer for the tokenizer',
    (dir) => writeFileSync(join(dir, 'tokenizer.json'), GIT_LFS_POINTER),
    /tokenizer\.json/,
  ],
  [
    'a tokenizer of another vocabulary size',
    (dir) =>
      writeFileSync(join(dir, 'tokenizer.json'), JSON.stringify(tokenizerJson({ extra: 9 }))),
    /ids up to 266, but the model knows 258/,
  ],
];
