/** Units as people write them, behind a number, in a column's title, or in a key's last word. */
export type Dimension = 'time' | 'bytes' | 'rate' | 'ratio' | 'percent' | 'count' | 'information';

export interface Unit {
  readonly text: string;
  readonly dimension: Dimension;
  /** To seconds, bytes, or 1 per second; of a count: thousand, million, … */
  readonly factor: number;
  /** What is counted, singular: `token`, `sample`, `request`, `model`. */
  readonly of?: string;
}

const THINGS =
  'tokens?|tok|samples?|requests?|reqs?|images?|prompts?|queries|items|examples?|' +
  'iterations?|steps?';
const COUNTED =
  `${THINGS}|models?|runs?|experts?|layers?|instances?|experiments?|batches|parameters|params|` +
  'weights|tensors|users?|classes|tasks?|shards?|files?|gpus?|rows|records|modules?';
const TIMES: readonly (readonly [RegExp, number])[] = [
  [/^(?:ns|nanoseconds?)$/i, 1e-9],
  [/^(?:us|µs|μs|microseconds?)$/i, 1e-6],
  [/^(?:ms|msecs?|milliseconds?)$/i, 1e-3],
  [/^(?:s|secs?|seconds?)$/i, 1],
  [/^(?:min|mins|minutes?)$/i, 60],
  [/^(?:h|hr|hrs|hours?)$/i, 3600],
  [/^(?:d|days?)$/i, 86400],
];
const BYTES: Readonly<Record<string, number>> = {
  kb: 1e3,
  mb: 1e6,
  gb: 1e9,
  tb: 1e12,
  kib: 2 ** 10,
  mib: 2 ** 20,
  gib: 2 ** 30,
  tib: 2 ** 40,
};
const MULTIPLES: Readonly<Record<string, number>> = { k: 1e3, m: 1e6, b: 1e9, t: 1e12 };

const RATE = new RegExp(
  String.raw`^(${THINGS}|it|t)\s?(?:\/|per|_per_)\s?(?:s|secs?|seconds?)$`,
  'i',
);
const COUNT = new RegExp(String.raw`^([KMBT])?\s?(${COUNTED})?$`, 'i');

/** Behind a number: the longest thing that may be a unit. Tried at its exact place. */
export const UNIT_BEHIND = new RegExp(
  [
    String.raw`\s?%|\s?percent\b`,
    String.raw`\s?[×x✕](?![\p{L}\d])`,
    String.raw`\s?(?:${THINGS}|it|t)\s?(?:\/|\sper\s|_per_)\s?(?:seconds?|secs?|s)\b`,
    String.raw`\s?(?:rps|qps)\b`,
    String.raw`\s?(?:[kmgt]i?b)\b(?!\/)`,
    String.raw`\s?(?:ns|us|µs|μs|ms|milliseconds?|seconds?|secs?|s)(?![\p{L}\d_/])`,
    String.raw`\s?(?:minutes?|mins?|hours?|hrs?|h|days?)(?![\p{L}\d_/])`,
    String.raw`\s?(?:bits?|nats?)\b`,
    String.raw`[KMBT]?[ -]?(?:${COUNTED})\b(?!\/)`,
    String.raw`[KMBT](?![\p{L}\d_-])`,
  ].join('|'),
  'iuy',
);

/** null: no unit that is known here. */
export function unitOf(written: string): Unit | null {
  const text = written.trim().replace(/^-/, '');
  const lower = text.toLowerCase();
  if (lower === '') return null;
  if (lower === '%' || lower === 'percent' || lower === 'pct') {
    return { text, dimension: 'percent', factor: 0.01 };
  }
  if (/^[×x✕]$/.test(lower)) return { text, dimension: 'ratio', factor: 1 };
  if (lower === 'rps' || lower === 'qps') {
    return { text, dimension: 'rate', factor: 1, of: 'request' };
  }
  const rate = RATE.exec(text);
  if (rate) return { text, dimension: 'rate', factor: 1, of: singular(rate[1] as string) };
  const time = TIMES.find(([pattern]) => pattern.test(text));
  if (time) return { text, dimension: 'time', factor: time[1] };
  const bytes = BYTES[lower];
  if (bytes !== undefined) return { text, dimension: 'bytes', factor: bytes };
  if (/^(?:bits?|nats?)$/.test(lower)) return { text, dimension: 'information', factor: 1 };
  const count = COUNT.exec(text);
  // `30m` are minutes or metres, never millions.
  if (!count || /^[mbt]$/.test(count[1] ?? '')) return null;
  const factor = MULTIPLES[(count[1] ?? '').toLowerCase()] ?? 1;
  return { text, dimension: 'count', factor, ...(count[2] ? { of: singular(count[2]) } : {}) };
}

function singular(thing: string): string {
  const lower = thing.toLowerCase();
  if (lower === 'tok' || lower === 't') return 'token';
  if (lower === 'reqs' || lower === 'req' || lower === 'queries') return 'request';
  if (lower === 'batches' || lower === 'classes') return lower.slice(0, -2);
  if (lower === 'params' || lower === 'parameters') return 'parameter';
  return lower.replace(/s$/, '');
}

const LAST_WORDS: readonly (readonly [RegExp, string])[] = [
  [/(?:^|_)(?:tokens?|tok)(?:_generated)?_?per_?s(?:ec|econd)?$/, 'tokens/s'],
  [/(?:^|_)samples?_per_s(?:ec|econd)?$/, 'samples/s'],
  [/(?:^|_)req(?:uest)?s?_per_s(?:ec|econd)?$/, 'requests/s'],
  [/_ms$/, 'ms'],
  [/_(?:s|sec|secs|seconds)$/, 's'],
  [/_(?:minutes|mins|min)$/, 'min'],
  [/_(?:hours|hrs)$/, 'h'],
  [/_gib$/, 'GiB'],
  [/_mib$/, 'MiB'],
  [/_gb$/, 'GB'],
  [/_mb$/, 'MB'],
  [/_(?:percent|percentage|pct)$/, '%'],
  [/_(?:millions)$/, 'M'],
  [/_bits$/, 'bits'],
];

/** `Memory (GB)`, `P95 Latency [ms]`, `peak_vram_gb`, `inference_speed_tokens_per_sec`. */
export function unitOfLabel(label: string): Unit | null {
  const bracket = /[([]\s*([^()[\]]{1,20}?)\s*[)\]]\s*$/.exec(label);
  if (bracket) return unitOf(bracket[1] as string);
  const key = label
    .trim()
    .toLowerCase()
    .replaceAll(/[\s-]+/g, '_');
  const last = LAST_WORDS.find(([pattern]) => pattern.test(key));
  return last ? unitOf(last[1]) : null;
}
