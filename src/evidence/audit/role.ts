/** What a label is about. Without a role a number is read, counted, and left alone. */
export type Role =
  | 'loss'
  | 'perplexity'
  | 'tokenAccuracy'
  | 'accuracy'
  | 'score'
  | 'speedup'
  | 'reduction'
  | 'degradation'
  | 'change'
  | 'throughput'
  | 'latency'
  | 'duration'
  | 'memory'
  | 'size'
  | 'parameters'
  | 'entropy'
  | 'spread'
  | 'interval'
  | 'batchSize'
  | 'samples'
  | 'tokens'
  | 'runs'
  | 'model'
  | 'precision'
  | 'method'
  | 'hardware'
  | 'date'
  | 'jobId'
  | 'file'
  | 'status';

/** The first that fits: what a number is relative to something comes before what it measures. */
const RULES: readonly (readonly [Role, RegExp])[] = [
  [
    'speedup',
    /\bspeed ?up\b|\bspeedup\b|\bfaster\b|\bimprovement factor\b|\befficiency improvement\b/,
  ],
  ['degradation', /\bdegradation\b|\baccuracy (?:drop|loss)\b|\bperplexity increase\b/],
  ['reduction', /\breduction\b|\bsavings?\b|\bsaved\b/],
  ['change', /\b(?:improvement|increase|gain|difference|change)\b/],
  ['spread', /\bstd(?:dev| dev| time)?\b|\bstandard deviation\b|\bstdev\b|\bvariance\b/],
  ['interval', /\bconfidence interval\b|\bci ?95\b|\bmargin of error\b/],
  ['perplexity', /\bperplexity\b|\bppl\b/],
  ['tokenAccuracy', /\btoken acc(?:uracy)?\b/],
  ['entropy', /\bentropy\b/],
  ['loss', /\bloss\b|\bnll\b/],
  ['accuracy', /\bacc(?:uracy)?\b|\bexact match\b/],
  ['score', /\bquality\b|\bscore\b/],
  ['latency', /\blatency\b|\bttft\b|\btpot\b|\bitl\b|\bmean time\b|\btime per\b|^p\d\d\b/],
  [
    'throughput',
    /\bthroughput\b|\bspeed\b|\b(?:tokens?|tok|samples?|requests?|req) ?(?:\/|per) ?s|\brps\b/,
  ],
  ['duration', /\b(?:total|wall|execution) time\b|\bduration\b|\belapsed\b|\bwall time\b/],
  ['parameters', /\bparam(?:eter)?s\b|\bparameters\b/],
  ['size', /\b(?:model|file|stored|checkpoint|weights?) size\b|^size\b/],
  ['memory', /\bv?ram\b|\bmemory\b|\bmem\b/],
  ['batchSize', /\bbatch size\b|^batch$/],
  ['runs', /\b(?:total|num|number of) (?:runs|iterations)\b|^runs$/],
  ['samples', /\b(?:samples|requests|prompts|images)\b|^completed$/],
  ['tokens', /\btokens\b/],
  ['jobId', /\bjob ?id\b|^job$/],
  ['model', /^(?:base )?models?(?: name| id)?$/],
  ['precision', /^(?:precision|dtype|data type|scheme|quantization|quantisation)$/],
  [
    'method',
    /^(?:quantization method|method|backend|engine|variant|configuration|config|setup|format)$/,
  ],
  ['hardware', /^(?:hardware|hardware config|gpu|gpu name|device|gpu type)$/],
  ['status', /^(?:status|state|outcome)$/],
  ['date', /\bdate\b|\btimestamp\b/],
  ['file', /\bfiles?\b|\blocation\b|\bpath\b/],
];

const MAX_REMEMBERED = 4096;
const LONGEST_REMEMBERED = 100;

/** Every check asks the same of every field, and a table of 100,000 rows has ten labels. */
export function remembered<T>(find: (label: string) => T): (label: string) => T {
  const known = new Map<string, T>();
  return (label) => {
    const answer = known.get(label);
    if (answer !== undefined) return answer;
    const found = find(label);
    if (known.size >= MAX_REMEMBERED) known.clear();
    if (label.length <= LONGEST_REMEMBERED) known.set(label, found);
    return found;
  };
}

/** `inference_speed_tokens_per_sec`, `Peak VRAM`, `avgLatencyMs` as words. */
export const words = remembered((label) =>
  label
    .replace(/([a-z])([A-Z])/g, '$1 $2')
    .replaceAll(/[_\-*`]+/g, ' ')
    .replaceAll(/\s+/g, ' ')
    .trim()
    .toLowerCase(),
);

const SHORT: Readonly<Record<string, Role>> = { 'best acc': 'accuracy', acc: 'accuracy' };

/** One of these words or phrases (patterns), wherever it stands in plain words. */
export function anyWord(...phrases: readonly string[]): RegExp {
  return new RegExp(String.raw`\b(?:${phrases.join('|')})\b`, 'i');
}

export const roleOf = remembered((label): Role | null => {
  const plain = words(label.replace(/[([][^()[\]]*[)\]]\s*$/, ''));
  if (SHORT[plain]) return SHORT[plain];
  const rule = RULES.find(([, pattern]) => pattern.test(plain));
  return rule ? rule[0] : null;
});

/** Which part of a distribution a latency is. */
export function statisticOf(label: string): 'mean' | 'min' | 'max' | number | null {
  const plain = words(label);
  const percentile = /\bp(\d{1,2}(?:\.\d+)?)\b/.exec(plain);
  if (percentile) return Number(percentile[1]);
  if (/\bmedian\b/.test(plain)) return 50;
  if (/\b(?:avg|average|mean)\b/.test(plain)) return 'mean';
  if (/\bmax(?:imum)?\b/.test(plain)) return 'max';
  if (/\bmin(?:imum)?\b/.test(plain)) return 'min';
  return null;
}
