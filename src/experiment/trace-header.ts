/** The first line of a trace: what was traced, and with what. */
import type { Engine, WithRouting } from '../engine/engine.ts';
import type { TraceCell } from './cell.ts';

/**
 * The fields of the patched vLLM's logs, whose versions are null here, then ours. No time and no
 * path, so that the same seed gives the same file.
 */
export function traceHeader(
  { identity, engine: settings, measure, seed }: TraceCell,
  { info, routing }: Pick<Engine & WithRouting, 'info' | 'routing'>,
  layers: readonly number[],
): Record<string, unknown> {
  return {
    type: 'meta',
    model_id: identity.id,
    vllm_version: null,
    torch_version: null,
    device: info.device,
    seed,
    layers_logged: layers,
    top_k: routing.topK,
    engine: info.name,
    engine_version: info.version,
    num_experts: routing.experts,
    norm_topk_prob: routing.normalized,
    scheme: settings.scheme,
    precision: info.precision,
    temperature: measure.temperature,
    max_new_tokens: measure.new_tokens,
    token_sample: measure.tokens_sample,
  };
}
