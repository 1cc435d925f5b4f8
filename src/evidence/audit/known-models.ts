/**
 * Exact parameter counts of models that people measure, from their published checkpoints
 * (safetensors metadata). A name's "8B" is rounded: 8.03e9 × 2 bytes is above 15.49 GB, 7.5e9 is
 * not. A model that is not here is judged by the rounding interval of its name alone.
 */
const PARAMETERS: readonly (readonly [RegExp, number])[] = [
  [/^(?:meta-)?llama-3(?:\.1)?-8b(?:-instruct)?$/, 8_030_261_248],
  [/^(?:meta-)?llama-3(?:\.[13])?-70b(?:-instruct)?$/, 70_553_706_496],
  [/^llama-3\.2-1b(?:-instruct)?$/, 1_235_814_400],
  [/^llama-3\.2-3b(?:-instruct)?$/, 3_212_749_824],
  [/^llama-2-7b(?:-chat)?(?:-hf)?$/, 6_738_415_616],
  [/^llama-2-13b(?:-chat)?(?:-hf)?$/, 13_015_864_320],
  [/^mistral-7b(?:-instruct)?-v0\.[12]$/, 7_241_732_096],
  [/^mistral-7b(?:-instruct)?-v0\.3$/, 7_248_023_552],
  [/^mixtral-8x7b(?:-instruct)?-v0\.1$/, 46_702_792_704],
  [/^qwen2\.5-0\.5b(?:-instruct)?$/, 494_032_768],
  [/^qwen2\.5-1\.5b(?:-instruct)?$/, 1_543_714_304],
  [/^qwen2\.5-3b(?:-instruct)?$/, 3_085_938_688],
  [/^qwen2\.5-7b(?:-instruct)?$/, 7_615_616_512],
  [/^qwen2\.5-14b(?:-instruct)?$/, 14_770_033_664],
  [/^qwen2\.5-32b(?:-instruct)?$/, 32_763_876_352],
  [/^qwen3-8b(?:-base)?$/, 8_190_735_360],
  [/^qwen3-32b$/, 32_762_123_264],
  [/^phi-3-mini-(?:4k|128k)-instruct$/, 3_821_079_552],
  [/^pythia-1\.4b$/, 1_414_647_808],
  [/^gemma-2-2b(?:-it)?$/, 2_614_341_888],
  [/^gemma-2-9b(?:-it)?$/, 9_241_705_984],
  [/^tinyllama-1\.1b(?:-chat(?:-v\d\.\d)?)?$/, 1_100_048_384],
  [/^(?:gpt2|dialogpt-small)$/, 124_439_808],
  [/^distilgpt2$/, 81_912_576],
];

/** `name`: a hub id or its last part. null: not in the list. */
export function knownParameters(name: string): number | null {
  const last = (
    name
      .replace(/\s*\(.*$/, '')
      .split('/')
      .at(-1) ?? ''
  )
    .trim()
    .toLowerCase();
  return PARAMETERS.find(([pattern]) => pattern.test(last))?.[1] ?? null;
}
