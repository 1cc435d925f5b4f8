/** What a trace generates: prompts of a file, in its order, in batches of one size. */
import type { GenerateRequest, RoutingShape } from '../../engine/engine.ts';
import { UsageError } from '../../record/errors.ts';
import { encodePrompts, loadPrompts, type PromptModel } from '../bench/prompts.ts';

export interface TraceSettings {
  readonly promptsPath: string;
  /** The first so many prompts; absent: all. */
  readonly prompt_count?: number | undefined;
  readonly new_tokens: number;
  readonly temperature: number;
  readonly batch_size: number;
  /** Layers to trace, as the model numbers them; absent: all that route. */
  readonly layers?: readonly number[] | undefined;
  /** Share of the tokens to trace, drawn with the seed; 1: all. */
  readonly tokens_sample: number;
}

export interface TraceModel extends PromptModel {
  readonly maxPositions: number;
  readonly routing: RoutingShape | null;
}

export interface TracePlan {
  /** In the order of the file; request i is `prompt-i`. */
  readonly requests: readonly GenerateRequest[];
  /** Indices of requests. */
  readonly batches: readonly (readonly number[])[];
  readonly routing: RoutingShape;
  /** Places of the traced layers in `routing.layers`. */
  readonly traced: readonly number[];
  /** Tokens that are fed if no request ends early. */
  tokens(): number;
}

/** @throws UsageError or FormatError for prompts, layers or lengths that the model cannot take */
export async function planTrace(
  settings: TraceSettings,
  model: TraceModel,
  seed: number,
): Promise<TracePlan> {
  const { promptsPath: path, new_tokens: maxNewTokens, temperature } = settings;
  if (model.routing === null || model.routing.layers.length === 0) {
    throw new UsageError('the model has no router: there is no routing to trace', {
      hint: 'use a mixture of experts: Qwen2-MoE, Mixtral or OLMoE',
    });
  }
  const loaded = (await loadPrompts(path)).slice(0, settings.prompt_count);
  const prompts = encodePrompts({ path, prompts: loaded }, model);
  const longest = Math.max(...prompts.map((ids) => ids.length));
  // The last new token is reported, but never fed.
  if (longest + maxNewTokens - 1 > model.maxPositions) {
    throw new UsageError(
      `prompts of up to ${longest} tokens + ${maxNewTokens} new tokens exceed the ` +
        `${model.maxPositions} positions of the model`,
      { hint: 'ask for shorter prompts or fewer new tokens' },
    );
  }
  const eos = model.tokenizer?.eosId ?? null;
  const stopIds = eos === null ? [] : [eos];
  const requests = prompts.map((ids, index): GenerateRequest => {
    return { ids, maxNewTokens, stopIds, temperature, seed: seed + index };
  });
  const size = settings.batch_size;
  const batches = Array.from({ length: Math.ceil(requests.length / size) }, (_, batch) =>
    requests.slice(batch * size, (batch + 1) * size).map((_, row) => batch * size + row),
  );
  return {
    requests,
    batches,
    routing: model.routing,
    traced: placesOf(settings.layers, model.routing),
    tokens: () => prompts.reduce((sum, ids) => sum + ids.length + maxNewTokens - 1, 0),
  };
}

function placesOf(layers: TraceSettings['layers'], routing: RoutingShape): number[] {
  if (layers === undefined) return [...routing.layers.keys()];
  const unknown = layers.filter((layer) => !routing.layers.includes(layer));
  if (unknown.length > 0) {
    throw new UsageError(`layers ${unknown.join(', ')} have no router`, {
      hint: `layers of this model that route: ${routing.layers.join(', ')}`,
    });
  }
  return [...routing.layers.keys()].filter((at) => layers.includes(routing.layers[at]!));
}
