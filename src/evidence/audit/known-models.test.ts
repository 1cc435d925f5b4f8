import { describe, expect, it } from 'vitest';
import { knownParameters } from './known-models.ts';

/** As published. That the shapes give them to the last digit is a check of both. */
const PUBLISHED: readonly (readonly [string, number])[] = [
  ['meta-llama/Llama-3.1-8B', 8_030_261_248],
  ['meta-llama/Llama-3.3-70B-Instruct', 70_553_706_496],
  ['meta-llama/Llama-3.2-1B-Instruct', 1_235_814_400],
  ['meta-llama/Llama-3.2-3B', 3_212_749_824],
  ['meta-llama/Llama-2-7b-hf', 6_738_415_616],
  ['meta-llama/Llama-2-13b-chat-hf', 13_015_864_320],
  ['mistralai/Mistral-7B-v0.1', 7_241_732_096],
  ['mistralai/Mistral-7B-Instruct-v0.3', 7_248_023_552],
  ['mistralai/Mixtral-8x7B-v0.1', 46_702_792_704],
  ['Qwen/Qwen2.5-0.5B', 494_032_768],
  ['Qwen/Qwen2.5-1.5B-Instruct', 1_543_714_304],
  ['Qwen/Qwen2.5-3B', 3_085_938_688],
  ['Qwen/Qwen2.5-7B-Instruct', 7_615_616_512],
  ['Qwen/Qwen2.5-14B', 14_770_033_664],
  ['Qwen/Qwen2.5-32B', 32_763_876_352],
  ['Qwen/Qwen3-8B', 8_190_735_360],
  ['Qwen/Qwen3-32B', 32_762_123_264],
  ['microsoft/Phi-3-mini-4k-instruct', 3_821_079_552],
  ['EleutherAI/pythia-1.4b', 1_414_647_808],
  ['google/gemma-2-2b-it', 2_614_341_888],
  ['google/gemma-2-9b', 9_241_705_984],
  ['TinyLlama/TinyLlama-1.1B-Chat-v1.0', 1_100_048_384],
  ['gpt2', 124_439_808],
  ['microsoft/DialoGPT-small', 124_439_808],
  ['distilgpt2', 81_912_576],
];

describe('parameters, from the shapes of a model', () => {
  it.each(PUBLISHED)('%s', (name, count) => {
    expect(knownParameters(name)).toBe(count);
  });

  it('of a model that is not in the list: none', () => {
    expect(knownParameters('acme/Llama-3.1-8B-merged')).toBeNull();
    expect(knownParameters('')).toBeNull();
  });
});
