/**
 * Exact parameter counts of models that people measure, computed from the shapes in their
 * config.json: a count remembered is one digit from wrong. A name's "8B" is rounded: 8.03e9 × 2
 * bytes is above 15.49 GB, 7.5e9 is not. A model that is not here is judged by the rounding
 * interval of its name alone.
 */

/** Of a decoder whose MLP has a gate (Llama and what came after it). */
interface GatedShape {
  readonly vocab: number;
  readonly hidden: number;
  readonly layers: number;
  readonly mlp: number;
  /** Width of all query heads together; the hidden size by default. */
  readonly query?: number;
  /** Width of all key heads together, as of all value heads. */
  readonly key: number;
  /** The embeddings are the output matrix too. */
  readonly tied?: boolean;
  /** Query, key and value have biases (Qwen 2). */
  readonly biases?: boolean;
  /** Norms over each query and key head, of this width (Qwen 3). */
  readonly headNorm?: number;
  /** Norms a layer: two, or four (Gemma 2). */
  readonly norms?: number;
  readonly experts?: number;
}

function gated(shape: GatedShape): number {
  const { vocab, hidden, layers, mlp, key, query = hidden, experts = 1, norms = 2 } = shape;
  const attention = 2 * hidden * query + 2 * hidden * key + (shape.biases ? query + 2 * key : 0);
  const router = experts > 1 ? hidden * experts : 0;
  const normed = norms * hidden + 2 * (shape.headNorm ?? 0);
  const layer = attention + experts * 3 * hidden * mlp + router + normed;
  return (shape.tied ? 1 : 2) * vocab * hidden + layers * layer + hidden;
}

/** Of GPT-2 and GPT-NeoX: biases everywhere, an MLP of four times the hidden size. */
function biased(of: { vocab: number; hidden: number; layers: number; embeddings: number }): number {
  const { vocab, hidden, layers, embeddings } = of;
  // Projections 4 h² and MLP 8 h², their biases 9 h, two norms 4 h; a last norm 2 h.
  return vocab * hidden * embeddings + layers * (12 * hidden ** 2 + 13 * hidden) + 2 * hidden;
}

/** GPT-2 is tied, and has learnt positions. */
function gpt2(layers: number): number {
  const [hidden, positions] = [768, 1024];
  return biased({ vocab: 50_257, hidden, layers, embeddings: 1 }) + positions * hidden;
}

const LLAMA_3 = { vocab: 128_256, key: 1024 };
const QWEN_25 = { biases: true, vocab: 152_064 };
const QWEN_25_SMALL = { biases: true, vocab: 151_936, tied: true };
const QWEN_3 = { vocab: 151_936, key: 1024, headNorm: 128 };
const MISTRAL = { hidden: 4096, layers: 32, mlp: 14_336, key: 1024 };
const GEMMA_2 = { vocab: 256_000, norms: 4, tied: true };

const PARAMETERS: readonly (readonly [RegExp, number])[] = [
  [
    /^(?:meta-)?llama-3(?:\.1)?-8b(?:-instruct)?$/,
    gated({ ...LLAMA_3, hidden: 4096, layers: 32, mlp: 14_336 }),
  ],
  [
    /^(?:meta-)?llama-3(?:\.[13])?-70b(?:-instruct)?$/,
    gated({ ...LLAMA_3, hidden: 8192, layers: 80, mlp: 28_672 }),
  ],
  [
    /^llama-3\.2-1b(?:-instruct)?$/,
    gated({ ...LLAMA_3, hidden: 2048, layers: 16, mlp: 8192, key: 512, tied: true }),
  ],
  [
    /^llama-3\.2-3b(?:-instruct)?$/,
    gated({ ...LLAMA_3, hidden: 3072, layers: 28, mlp: 8192, tied: true }),
  ],
  [
    /^llama-2-7b(?:-chat)?(?:-hf)?$/,
    gated({ vocab: 32_000, hidden: 4096, layers: 32, mlp: 11_008, key: 4096 }),
  ],
  [
    /^llama-2-13b(?:-chat)?(?:-hf)?$/,
    gated({ vocab: 32_000, hidden: 5120, layers: 40, mlp: 13_824, key: 5120 }),
  ],
  [/^mistral-7b(?:-instruct)?-v0\.[12]$/, gated({ ...MISTRAL, vocab: 32_000 })],
  [/^mistral-7b(?:-instruct)?-v0\.3$/, gated({ ...MISTRAL, vocab: 32_768 })],
  [/^mixtral-8x7b(?:-instruct)?-v0\.1$/, gated({ ...MISTRAL, vocab: 32_000, experts: 8 })],
  [
    /^qwen2\.5-0\.5b(?:-instruct)?$/,
    gated({ ...QWEN_25_SMALL, hidden: 896, layers: 24, mlp: 4864, key: 128 }),
  ],
  [
    /^qwen2\.5-1\.5b(?:-instruct)?$/,
    gated({ ...QWEN_25_SMALL, hidden: 1536, layers: 28, mlp: 8960, key: 256 }),
  ],
  [
    /^qwen2\.5-3b(?:-instruct)?$/,
    gated({ ...QWEN_25_SMALL, hidden: 2048, layers: 36, mlp: 11_008, key: 256 }),
  ],
  [
    /^qwen2\.5-7b(?:-instruct)?$/,
    gated({ ...QWEN_25, hidden: 3584, layers: 28, mlp: 18_944, key: 512 }),
  ],
  [
    /^qwen2\.5-14b(?:-instruct)?$/,
    gated({ ...QWEN_25, hidden: 5120, layers: 48, mlp: 13_824, key: 1024 }),
  ],
  [
    /^qwen2\.5-32b(?:-instruct)?$/,
    gated({ ...QWEN_25, hidden: 5120, layers: 64, mlp: 27_648, key: 1024 }),
  ],
  [/^qwen3-8b(?:-base)?$/, gated({ ...QWEN_3, hidden: 4096, layers: 36, mlp: 12_288 })],
  [/^qwen3-32b$/, gated({ ...QWEN_3, hidden: 5120, layers: 64, mlp: 25_600, query: 8192 })],
  [
    /^phi-3-mini-(?:4k|128k)-instruct$/,
    gated({ vocab: 32_064, hidden: 3072, layers: 32, mlp: 8192, key: 3072 }),
  ],
  [/^pythia-1\.4b$/, biased({ vocab: 50_304, hidden: 2048, layers: 24, embeddings: 2 })],
  [
    /^gemma-2-2b(?:-it)?$/,
    gated({ ...GEMMA_2, hidden: 2304, layers: 26, mlp: 9216, query: 2048, key: 1024 }),
  ],
  [
    /^gemma-2-9b(?:-it)?$/,
    gated({ ...GEMMA_2, hidden: 3584, layers: 42, mlp: 14_336, query: 4096, key: 2048 }),
  ],
  [
    /^tinyllama-1\.1b(?:-chat(?:-v\d\.\d)?)?$/,
    gated({ vocab: 32_000, hidden: 2048, layers: 22, mlp: 5632, key: 256 }),
  ],
  [/^(?:gpt2|dialogpt-small)$/, gpt2(12)],
  [/^distilgpt2$/, gpt2(6)],
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
