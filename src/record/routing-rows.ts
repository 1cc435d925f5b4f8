/** Rows of samples.jsonl that tell of the routing of a mixture of experts. */
import { z } from 'zod';
import { counts } from './number-lists.ts';

const count = z.number().int().nonnegative();
const ms = z.number().nonnegative();

/** How often a router chose each expert for the traced tokens of one request. */
export const routingRowSchema = z.object({
  kind: z.literal('routing'),
  batch: count,
  request: count,
  layer: count,
  /** Experts that a token passes: the counts sum to so many a token. */
  topK: count,
  counts,
});

/** The trace file as it was written. */
export const traceRowSchema = z.object({
  kind: z.literal('trace'),
  file: z.string(),
  routes: count,
  bytes: count,
  /** How often, and how long, the engine waited for the writer. */
  stalls: count,
  stalledMs: ms,
});

const tracedSide = z.object({
  /** From the prompt to the last token; of a traced side until all is written. */
  e2eMs: ms,
  /** From the moment when every request had its first token to the last token. */
  decodeMs: ms,
  decodedTokens: count,
  /** CPU time of all threads of the process, user and system, over `e2eMs`. */
  cpuMs: ms,
});

/** One batch generated traced and untraced, one right after the other. */
export const tracePairRowSchema = z.object({
  kind: z.literal('trace-pair'),
  pair: count,
  tracedFirst: z.boolean(),
  traced: tracedSide,
  plain: tracedSide,
  sameTokens: z.boolean(),
});
