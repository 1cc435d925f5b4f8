/**
 * Which modules stay as they are. Names are those of the checkpoint: `model.layers.0.mlp.gate` is
 * the module of `model.layers.0.mlp.gate.weight`. What is left alone by default is what
 * llm-compressor recipes and servers leave alone.
 */
import { UsageError } from '../record/errors.ts';

/** @returns why the module is kept, or null */
export type Ignore = (module: string) => string | null;

const DEFAULTS: readonly { reason: string; pattern: RegExp }[] = [
  {
    reason: 'output head, kept by default',
    pattern: /(^|\.)(lm_head|embed_out|score|classifier)$/,
  },
  {
    reason: 'embedding, kept by default',
    pattern: /(^|\.)(embed_tokens|wte|wpe|embed_in|word_embeddings|position_embeddings)$/,
  },
  // Anchored at both ends of the last part, so that gate_proj is not caught.
  { reason: 'MoE router, kept by default', pattern: /(^|\.)(gate|router)$/ },
  { reason: 'gate of the shared expert, kept by default', pattern: /(^|\.)shared_expert_gate$/ },
  {
    reason: 'vision tower, kept by default',
    pattern: /(^|\.)(visual|vision_tower|vision_model|vision_encoder|multi_modal_projector)(\.|$)/,
  },
  { reason: 'convolution, kept by default', pattern: /(^|\.)conv1d$/ },
  { reason: 'multi-token prediction, kept by default', pattern: /(^|\.)mtp(\.|$)/ },
  { reason: 'normalization, kept by default', pattern: /(^|\.)(ln_[^.]*|[^.]*norm[^.]*)$/i },
];

/**
 * The defaults plus the caller's patterns: `re:…` is a regular expression matched from the start of
 * the module's path (as Python's re.match does), anything else a whole path or its last parts.
 * @throws UsageError that lists every expression that is not valid
 */
export function ignoreRules(extra: readonly string[] = []): Ignore {
  const problems: string[] = [];
  const own = extra.map((text) => ({ text, matches: matcher(text, problems) }));
  if (problems.length > 0) {
    throw new UsageError(problems, { hint: 'write re: followed by a regular expression' });
  }
  return (module) => {
    const named = own.find(({ matches }) => matches(module));
    if (named !== undefined) return `ignored by ${named.text}`;
    return DEFAULTS.find(({ pattern }) => pattern.test(module))?.reason ?? null;
  };
}

function matcher(text: string, problems: string[]): (module: string) => boolean {
  if (!text.startsWith('re:')) return (module) => module === text || module.endsWith(`.${text}`);
  try {
    const pattern = new RegExp(`^(?:${text.slice(3)})`);
    return (module) => pattern.test(module);
  } catch (cause) {
    problems.push(`ignore pattern "${text}": ${(cause as Error).message}`);
    return () => false;
  }
}
