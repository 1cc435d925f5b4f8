import { CORES } from './intent-cores.ts';
import { AFTERTHOUGHTS, CLOSERS, DISTRACTORS, OPENERS, SHARED, SLOTS } from './intent-extras.ts';
import type { Rng } from './rng.ts';
import { expand, type Vars } from './template.ts';

/** Builds the labelled requests of the intent task and the template they are asked in. */
export interface IntentItem {
  readonly text: string;
  readonly label: string;
}

export const LABELS: readonly string[] = Object.keys(CORES);

/**
 * The prompt ends with a colon and the continuation starts with a space: the byte-level
 * pre-tokenizer never joins those two, so the prompt's tokens are a prefix of the whole.
 */
export const PROMPT = 'request: {text}\nintent:';
export const CONTINUATION = ' {label}\n';

// Shares of the items; they set how hard the task is.
const SHARED_SHARE = 0.11;
const DISTRACTOR_SHARE = 0.3;
const AFTERTHOUGHT_SHARE = 0.12;
const OPENER_SHARE = 0.3;
const CLOSER_SHARE = 0.3;
const TYPO_SHARE = 0.45;

export function intentItem(rng: Rng, label: string): IntentItem {
  const vars: Vars = {
    ref: `${rng.range(1000, 9999)}`,
    price: `${rng.range(3, 99)} ${rng.pick(['pennies', 'crowns'])}`,
  };
  const grow = (texts: readonly string[]): string => expand(rng, rng.pick(texts), vars, SLOTS);
  const parts: string[] = [];
  if (rng.chance(OPENER_SHARE)) parts.push(grow(OPENERS));
  if (rng.chance(DISTRACTOR_SHARE)) parts.push(grow(DISTRACTORS));
  let core = grow(coresOf(rng, label));
  if (rng.chance(0.4)) core += rng.pick(['.', '?', '!', '...']);
  parts.push(core);
  if (rng.chance(AFTERTHOUGHT_SHARE)) parts.push(`${grow(AFTERTHOUGHTS)}.`);
  if (rng.chance(CLOSER_SHARE)) parts.push(grow(CLOSERS));
  let text = parts.join(' ').replace(/ {2,}/g, ' ').trim();
  if (rng.chance(TYPO_SHARE)) text = misspell(rng, text, rng.range(1, 4));
  if (rng.chance(0.25)) text = text.charAt(0).toUpperCase() + text.slice(1);
  return { text, label };
}

function coresOf(rng: Rng, label: string): readonly string[] {
  const shared = SHARED.filter((set) => set.labels.includes(label));
  // A label in two pairs must not be ambiguous twice as often, so the share is per label.
  if (shared.length > 0 && rng.chance(SHARED_SHARE)) return rng.pick(shared).texts;
  return CORES[label] ?? [];
}

/** Drops, doubles, swaps or replaces letters inside words, as a hurried writer would. */
function misspell(rng: Rng, text: string, times: number): string {
  let out = text;
  for (let i = 0; i < times; i++) {
    const at = rng.int(out.length - 1);
    const here = out.charAt(at);
    const after = out.charAt(at + 1);
    if (!/[a-z]/.test(here) || !/[a-z]/.test(after)) continue;
    const head = out.slice(0, at);
    const tail = out.slice(at + 2);
    const mistakes = [
      here,
      here + here + after,
      after + here,
      here + String.fromCharCode(97 + rng.int(26)),
    ];
    out = head + rng.pick(mistakes) + tail;
  }
  return out;
}
