/** Small routing traces, in the dialects that are seen in the wild. */

export interface TraceShape {
  readonly requests: number;
  readonly tokens: number;
  readonly layers: readonly number[];
  readonly experts: number;
  readonly topK: number;
  /** Python's `json.dumps` puts spaces, JSON.stringify none. */
  readonly spaced?: boolean;
  readonly phase?: boolean;
  readonly normalized?: boolean;
  readonly seed?: number;
  readonly meta?: Readonly<Record<string, unknown>>;
}

export function metaLine(shape: TraceShape): string {
  return JSON.stringify({
    ...{ type: 'meta', model_id: 'made/up', vllm_version: '0.15.1', torch_version: '2.9.1' },
    ...{ device: 'cpu', seed: 1, layers_logged: shape.layers, top_k: shape.topK },
    ...shape.meta,
  });
}

/** A small generator of its own, so that a trace is the same everywhere. */
export function numbers(seed: number): () => number {
  let state = seed >>> 0 || 1;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

export function routeLines(shape: TraceShape): string[] {
  const { requests, tokens, layers, experts, topK, normalized = false } = shape;
  const random = numbers(shape.seed ?? 7);
  const lines: string[] = [];
  for (let token = 0; token < tokens; token++) {
    for (let request = 0; request < requests; request++) {
      for (const layer of layers) {
        const ids = new Set<number>();
        while (ids.size < topK) ids.add(Math.floor(random() * random() * experts));
        const raw = [...ids].map(() => random()).sort((a, b) => b - a);
        const sum = raw.reduce((a, b) => a + b, 0);
        const weights = raw.map((w) => Math.fround(normalized ? w / sum : w / (2 * topK)));
        const row = {
          ...{ type: 'route', req_id: `r${request}`, token_idx: token, layer },
          ...{ topk_ids: [...ids], topk_weights: weights },
          ...(shape.phase ? { phase: token < 2 ? 'prefill' : 'decode' } : {}),
        };
        lines.push(shape.spaced ? spaced(row) : JSON.stringify(row));
      }
    }
  }
  return lines;
}

function spaced(row: Readonly<Record<string, unknown>>): string {
  return JSON.stringify(row).replaceAll(',', ', ').replaceAll('":', '": ');
}

export function traceText(shape: TraceShape): string {
  return `${[metaLine(shape), ...routeLines(shape)].join('\n')}\n`;
}
