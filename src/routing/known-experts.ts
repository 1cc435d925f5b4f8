/**
 * Routed experts of public models, from their config.json, for traces whose header does not say:
 * the largest id that was used tells less, since the last expert may be unused.
 */
const EXPERTS: readonly (readonly [RegExp, number])[] = [
  [/qwen1\.5-moe-a2\.7b/i, 60],
  [/qwen2-57b-a14b/i, 64],
  [/qwen3-(?:30b-a3b|235b-a22b)/i, 128],
  [/mixtral-8x(?:7|22)b/i, 8],
  [/olmoe-1b-7b/i, 64],
  [/phi-3\.5-moe/i, 16],
  [/deepseek-moe-16b|deepseek-v2-lite/i, 64],
  [/deepseek-v2(?!-lite)/i, 160],
  [/deepseek-(?:v3|r1(?!-distill))/i, 256],
  [/gpt-oss-20b/i, 32],
  [/gpt-oss-120b/i, 128],
];

export function knownExperts(modelId: string): number | null {
  return EXPERTS.find(([name]) => name.test(modelId))?.[1] ?? null;
}
