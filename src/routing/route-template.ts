/**
 * The shape that one writer gives all its lines: the bytes between the values. A line that has the
 * same bytes at these places is a route without parsing any JSON; the values are read where they
 * stand. Learned from a line that JSON.parse has read.
 */

export const FIELD = {
  request: 0,
  token: 1,
  layer: 2,
  ids: 3,
  weights: 4,
  phase: 5,
  skipText: 6,
  skipNumber: 7,
} as const;

const KEYS: ReadonlyMap<string, number> = new Map([
  ['req_id', FIELD.request],
  ['token_idx', FIELD.token],
  ['layer', FIELD.layer],
  ['topk_ids', FIELD.ids],
  ['topk_weights', FIELD.weights],
  ['phase', FIELD.phase],
]);
const NEEDED = [FIELD.request, FIELD.token, FIELD.layer, FIELD.ids, FIELD.weights];

export interface Literal {
  readonly length: number;
  readonly codes: Uint8Array;
  /** Eight bytes at a time, the last eight overlapping; empty below 8. */
  readonly words: Float64Array;
}

export interface TemplateStep {
  /** Bytes before the value. */
  readonly literal: Literal;
  readonly field: number;
  /** Between elements of a list. */
  readonly separator: Literal;
}

export interface RouteTemplate {
  readonly steps: readonly TemplateStep[];
  /** From the last value to the line feed, both included. */
  readonly end: Literal;
}

/**
 * Words are compared as doubles: equal doubles are equal bytes, but for zeros and NaN, which eight
 * bytes of text never are.
 */
function literalOf(text: string): Literal {
  const codes = new Uint8Array(Buffer.from(text, 'latin1'));
  const view = new DataView(codes.buffer);
  const { length } = codes;
  if (length < 8) return { length, codes, words: new Float64Array(0) };
  const starts: number[] = [];
  for (let at = 0; at + 8 < length; at += 8) starts.push(at);
  starts.push(length - 8);
  const words = Float64Array.from(starts, (at) => view.getFloat64(at, true));
  return { length, codes, words };
}

/** Key, value and what lies around them, of a flat object in which no text is escaped. */
const MEMBER =
  /([{,]\s*"(\w+)"\s*:\s*)("[^"\\]*"|\[[^[\]"{}]*\]|-?[\d.eE+-]+|true|false|null)(?=\s*[,}])/y;

/** `line`: latin1, with its line feed. null: of no shape that can be learned. */
export function learnTemplate(line: string): RouteTemplate | null {
  const steps: TemplateStep[] = [];
  const seen = new Set<string>();
  let pending = '';
  let at = 0;
  for (;;) {
    MEMBER.lastIndex = at;
    const member = MEMBER.exec(line);
    if (member === null) break;
    const [whole, before = '', key = '', value = ''] = member;
    if (seen.has(key)) return null;
    seen.add(key);
    at += whole.length;
    // White space before the comma or brace that follows belongs to it.
    const gap = /^\s*/.exec(line.slice(at))?.[0] ?? '';
    at += gap.length;
    const step = stepOf(key, value);
    if (step === null) {
      pending += before + value + gap;
      continue;
    }
    steps.push({ ...step, literal: literalOf(pending + before + step.opening) });
    pending = step.closing + gap;
  }
  const rest = line.slice(at);
  if (!/^\}\r?\n$/.test(rest)) return null;
  const fields = new Set(steps.map(({ field }) => field));
  if (!NEEDED.every((field) => fields.has(field))) return null;
  return { steps, end: literalOf(pending + rest) };
}

interface ValueStep {
  readonly field: number;
  readonly opening: string;
  readonly closing: string;
  readonly separator: Literal;
}

/** null: the value is part of the shape, as `"route"` is. */
function stepOf(key: string, value: string): ValueStep | null {
  const none = literalOf('');
  const text = { opening: '"', closing: '"', separator: none };
  const bare = { opening: '', closing: '', separator: none };
  const field = KEYS.get(key);
  if (value.startsWith('[')) {
    if (field !== FIELD.ids && field !== FIELD.weights) return null;
    const separator = /(?<=\d)(\s*,\s*)/.exec(value)?.[1] ?? ',';
    const opening = /^\[\s*/.exec(value)?.[0] ?? '[';
    const closing = /\s*\]$/.exec(value)?.[0] ?? ']';
    return { field, opening, closing, separator: literalOf(separator) };
  }
  if (key === 'type') return null;
  if (value.startsWith('"')) {
    const isText = field === FIELD.request || field === FIELD.phase;
    if (field !== undefined && !isText) return null;
    return { field: field ?? FIELD.skipText, ...text };
  }
  if (!/^\d/.test(value)) return null;
  if (field === FIELD.request) return null;
  return { field: field ?? FIELD.skipNumber, ...bare };
}
