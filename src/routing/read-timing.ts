/** A timing file beside a trace: one run with logging, one without. */
import { readFileSync, statSync } from 'node:fs';
import type { TimedRun, Timing, Written } from '../analyze/routing/timing.ts';

const PLAIN = ['no_log', 'nolog', 'baseline', 'plain', 'without', 'off', 'untraced'];
const LOGGED = ['log', 'logged', 'logging', 'with', 'on', 'traced'];
const WALL = ['wall_time_sec', 'wall_time_s', 'wall_time', 'elapsed_sec', 'seconds'];
const TOKENS = ['tokens_generated', 'generated_tokens', 'total_tokens', 'tokens'];
const RATE = ['tokens_per_sec', 'tokens_per_second', 'tok_per_sec', 'throughput'];
const MAX_BYTES = 1 << 20;

/** null: it is no timing file. */
export function readTiming(path: string): Timing | null {
  try {
    if (!statSync(path).isFile() || statSync(path).size > MAX_BYTES) return null;
    return timingIn(readFileSync(path, 'utf8'));
  } catch {
    return null;
  }
}

/** Numerals are taken from the text, because 2.90 says more than 2.9. */
export function timingIn(text: string): Timing | null {
  try {
    JSON.parse(text);
  } catch {
    return null;
  }
  const plain = runIn(text, PLAIN);
  const logged = runIn(text, LOGGED);
  return plain && logged ? { plain, logged } : null;
}

function runIn(text: string, names: readonly string[]): TimedRun | null {
  for (const name of names) {
    const body = new RegExp(`"${name}"\\s*:\\s*\\{([^{}]*)\\}`).exec(text)?.[1];
    if (body === undefined) continue;
    const [wallS, tokensPerS] = [of(body, WALL), of(body, RATE)];
    const counted = of(body, TOKENS);
    // A count is exact.
    const tokens = counted && { ...counted, error: 0 };
    if (wallS || tokens || tokensPerS) return { name, wallS, tokens, tokensPerS };
  }
  return null;
}

function of(body: string, keys: readonly string[]): Written | null {
  for (const key of keys) {
    const text = new RegExp(`"${key}"\\s*:\\s*(-?[\\d.]+(?:[eE][+-]?\\d+)?)`).exec(body)?.[1];
    if (text !== undefined) return written(text);
  }
  return null;
}

function written(text: string): Written {
  const [digits = '', exponent = '0'] = text.toLowerCase().split('e');
  const decimals = digits.split('.')[1]?.length ?? 0;
  return { value: Number(text), error: 0.5 * 10 ** (Number(exponent) - decimals) };
}
