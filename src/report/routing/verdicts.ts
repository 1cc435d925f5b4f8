/** What a trace shows, refutes, and leaves open, in words. */
import type { LayerAnalysis } from '../../analyze/routing/routing-analysis.ts';
import type { TraceAnalysis } from '../../routing/analyze-trace.ts';

export interface RoutingVerdict {
  readonly code: string;
  readonly verdict: 'shown' | 'suspicious' | 'not-evidenced';
  readonly message: string;
}

/** Of the entropy of a uniform choice. */
const NEARLY_UNIFORM = 0.95;
const UNEVEN = 0.8;

/** `nearly uniform`, `uneven`, `concentrated`; by the entropy over log(experts). */
export function balanceOf({ entropyNormalized: h }: LayerAnalysis): string {
  if (h === null) return 'nothing';
  if (h >= NEARLY_UNIFORM) return 'nearly uniform';
  return h >= UNEVEN ? 'uneven' : 'concentrated';
}

export function verdictsOf(trace: TraceAnalysis): RoutingVerdict[] {
  const { requests, expertsFrom, read, normalized, weightSums } = trace;
  const open = (code: string, message: string): RoutingVerdict => {
    return { code, verdict: 'not-evidenced', message };
  };
  const [low, high] = weightSums.map((sum) => sum.toFixed(4));
  return [
    ...dummyVerdict(trace),
    ...balanceVerdict(trace.layers),
    {
      code: 'weights',
      verdict: 'shown',
      message: normalized
        ? 'the weights of every row sum to 1: they are renormalised'
        : `weights are not renormalised: rows sum to ${low} … ${high}`,
    },
    ...(requests.reason === null
      ? []
      : [open('requests', `nothing is evidenced by request or by position: ${requests.reason}`)]),
    ...(expertsFrom === 'largest id'
      ? [open('experts', `the number of experts is the largest id + 1: no header says it`)]
      : []),
    ...(read.problems.total > 0
      ? [
          {
            code: 'problems',
            verdict: 'suspicious' as const,
            message: `the trace has ${read.problems.total} errors: see \`assay moe validate\``,
          },
        ]
      : []),
  ];
}

function dummyVerdict({ routes, dummyRoutes, layers }: TraceAnalysis): RoutingVerdict[] {
  if (dummyRoutes === 0) return [];
  const share = ((100 * dummyRoutes) / routes).toFixed(2);
  const [first] = layers;
  const bits = first?.raw.entropyBits?.toFixed(4);
  const clean = first?.entropyBits?.toFixed(4);
  const message =
    `${dummyRoutes} of ${routes} rows (${share} %) are of profiling or warm-up; with them layer ` +
    `${first?.layer} has ${bits} bits, without them ${clean}`;
  return [{ code: 'dummies', verdict: 'suspicious', message }];
}

function balanceVerdict(layers: readonly LayerAnalysis[]): RoutingVerdict[] {
  const groups = new Map<string, number[]>();
  for (const layer of layers) {
    const word = balanceOf(layer);
    groups.set(word, [...(groups.get(word) ?? []), layer.layer]);
  }
  return [...groups].map(([word, numbers]) => ({
    code: 'balance',
    verdict: 'shown',
    message: `${word} use of experts in layer${numbers.length === 1 ? '' : 's'} ${spans(numbers)}`,
  }));
}

/** `0–23`, `0, 12, 23`. */
export function spans(numbers: readonly number[]): string {
  const parts: string[] = [];
  for (let i = 0; i < numbers.length; ) {
    let end = i;
    while (numbers[end + 1] === (numbers[end] as number) + 1) end++;
    parts.push(end > i ? `${numbers[i]}–${numbers[end]}` : `${numbers[i]}`);
    i = end + 1;
  }
  return parts.join(', ');
}
