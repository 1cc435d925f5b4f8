/** Two Llama-shaped models with random weights: only their sizes count. */
const LLAMA = {
  architectures: ['LlamaForCausalLM'],
  model_type: 'llama',
  vocab_size: 32_000,
  max_position_embeddings: 2_048,
  rms_norm_eps: 1e-5,
  rope_theta: 10_000,
  tie_word_embeddings: false,
  torch_dtype: 'bfloat16',
};

export const MODELS: Readonly<Record<string, object>> = {
  /** 134.1 M parameters. */
  '136m': {
    ...LLAMA,
    hidden_size: 768,
    intermediate_size: 2_048,
    num_hidden_layers: 12,
    num_attention_heads: 12,
    num_key_value_heads: 12,
  },
  /** 1.10 B parameters, the shape of TinyLlama. */
  '1b': {
    ...LLAMA,
    hidden_size: 2_048,
    intermediate_size: 5_632,
    num_hidden_layers: 22,
    num_attention_heads: 32,
    num_key_value_heads: 4,
  },
};
