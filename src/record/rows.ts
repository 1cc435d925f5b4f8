/**
 * The rows of samples.jsonl, one JSON object a line. A worker appends them; nothing else does.
 * Every metric is computed from these rows as parsed back from the file, never from memory, so
 * that recomputing it later gives the same bits.
 */
import { z } from 'zod';
import { amounts, counts, numbers, numbersOrNull } from './number-lists.ts';
import { routingRowSchema, tracePairRowSchema, traceRowSchema } from './routing-rows.ts';
import { anatomyRowSchema, differenceRowSchema } from './weight-rows.ts';

const count = z.number().int().nonnegative();
/** null stands for NaN or ±Infinity, which JSON cannot hold. */
const logp = z.number().nullable();

/** One tensor of the checkpoint and how this variant stores it. */
export const tensorRowSchema = z.object({
  kind: z.literal('tensor'),
  name: z.string(),
  shape: counts,
  /** Effective scheme, e.g. `int4-g64` where `int4-g128` did not divide, or `bf16` where kept. */
  scheme: z.string(),
  group: count.nullable(),
  bytes: count,
  /** Why it is not at the requested scheme; null when it is. */
  reason: z.string().nullable(),
});

/** The engine is ready. `part` counts the processes that worked on one run (resume). */
export const loadRowSchema = z.object({ kind: z.literal('load'), part: count, loadMs: z.number() });

/** One scored window. Arrays run over its scored tokens. */
export const windowRowSchema = z.object({
  kind: z.literal('window'),
  batch: count,
  document: count,
  window: count,
  /** Index in the window of the first scored token = number of context tokens it saw. */
  scoreFrom: count,
  /** Natural-log probability of the target token. */
  logp: numbersOrNull,
  /** One character a token: `1` if the target was the argmax. */
  hit: z.string(),
  /** Natural-log probability of the most likely token. */
  topLogp: numbersOrNull,
  /** Σ p² over the vocabulary. */
  sumSquares: numbersOrNull,
  /**
   * UTF-8 bytes of the text that the scored tokens stand for; a character belongs to the token that
   * completes it. Absent for rows of ids, and where decoding does not give the text back.
   */
  bytes: count.optional(),
});
export type WindowRow = z.infer<typeof windowRowSchema>;

/** The labels that every item of a set is asked for, in the order of `scores`; once a process. */
export const labelSetRowSchema = z.object({
  kind: z.literal('label-set'),
  part: count,
  method: z.enum(['generation', 'likelihood', 'head']),
  /** Empty where each item has choices of its own. */
  labels: z.array(z.string()),
});

/** One item of a labelled set. Rows from before there were methods end with `tokens`. */
export const itemRowSchema = z.object({
  kind: z.literal('item'),
  batch: count,
  item: count,
  label: z.string(),
  /** The answer; null: none of the labels, or the probabilities were not finite. */
  predicted: z.string().nullable().optional(),
  /** By generation: every label token was the argmax, or the text that was generated says it. */
  correct: z.boolean(),
  /** ln p of the right label, nats: Σ over its tokens, or from the softmax of a head's logits. */
  logp,
  /** Of the right label; 0 for a head. */
  tokens: count,
  /** What greedy decoding wrote, where it was not token by token the right continuation. */
  generated: z.string().optional(),
  /** Of each candidate: Σ ln p of its continuation, nats, or the logit of a head. */
  scores: numbersOrNull.optional(),
  /** The candidates, where the item has its own. */
  choices: z.array(z.string()).optional(),
});
export type ItemRow = z.infer<typeof itemRowSchema>;
export type LabelSetRow = z.infer<typeof labelSetRowSchema>;

/** One call of the engine: closes the rows of its batch. */
export const batchRowSchema = z.object({
  kind: z.literal('batch'),
  batch: count,
  rows: count,
  /** Tokens fed, without padding. */
  tokens: count,
  scored: count,
  /** Time inside the engine, ms, monotonic. */
  ms: z.number(),
  /** The first call of a process: recorded, but no speed figure counts it. */
  warmup: z.boolean(),
});
export type BatchRow = z.infer<typeof batchRowSchema>;

/** Peak resident set of the worker process, bytes. */
export const memoryRowSchema = z.object({
  kind: z.literal('memory'),
  part: count,
  peakRssBytes: count,
  weightBytes: count,
  /** Largest KV cache that was allocated, and what rows × capacity × bytes per token gives. */
  kvCacheBytes: count.optional(),
  kvComputedBytes: count.optional(),
});

const ms = z.number().nonnegative();

/** One timed generation of one batch. Times are ms on the monotonic clock, from its start. */
export const iterationRowSchema = z.object({
  kind: z.literal('iteration'),
  round: count,
  /** Counts within the run, warm-up included. */
  iteration: count,
  /** Recorded, but in no figure. */
  warmup: z.boolean(),
  /** Of all rows of the batch, padding not counted. */
  promptTokens: count,
  newTokens: count,
  /** Until the first token of any row. */
  ttftMs: ms,
  /** Until every row has its first token. */
  prefillMs: ms,
  /** Each decode step after that: one token for every row that goes on. */
  stepMs: amounts,
  e2eMs: ms,
  /** CPU time, user and system, of the worker process. */
  cpuMs: ms,
});

/** Closes the iterations of one round of a cell, with what else the machine did meanwhile. */
export const roundRowSchema = z.object({
  kind: z.literal('round'),
  round: count,
  /** How many iteration and failure rows it has. */
  rows: count,
  /** Since the first round of the experiment began. */
  startedMs: ms,
  wallMs: ms,
  /** CPU time that the hypervisor gave to others, over all cores; null where unknown. */
  stealMs: ms.nullable(),
  /** CPU time of all other processes of this machine, over all cores; null where unknown. */
  othersMs: ms.nullable(),
  loadAverage: z.number().nonnegative(),
});

/** One fresh process: from its start to its first token, and the load in it. */
export const coldStartRowSchema = z.object({
  kind: z.literal('cold-start'),
  index: count,
  loadMs: ms,
  firstTokenMs: ms,
});

/** What one prompt was continued with, once per run, for agreement and repetition. */
export const generatedRowSchema = z.object({
  kind: z.literal('generated'),
  prompt: count,
  ids: counts,
  finish: z.enum(['stop', 'length', 'cancelled']),
});

/** An iteration that gave no result: counted beside every percentile. */
export const failureRowSchema = z.object({
  kind: z.literal('failure'),
  round: count,
  iteration: count,
  message: z.string(),
});

/** One reading of nvidia-smi; null where the card does not say. In a file of its own. */
export const gpuRowSchema = z.object({
  kind: z.literal('gpu'),
  atMs: ms,
  gpu: count,
  utilization: z.number().nullable(),
  memoryBytes: count.nullable(),
  powerW: z.number().nullable(),
});

/** A recorded command, once it has ended. */
export const processRowSchema = z.object({
  kind: z.literal('process'),
  /** null when a signal ended it, or it could not be started. */
  exitStatus: z.number().int().nullable(),
  signal: z.string().nullable(),
  wallMs: ms,
  /** User and system, of it and all processes that it waited for; null where unknown. */
  cpuMs: ms.nullable(),
  /** Largest sum over its processes in so many readings; null where unknown. */
  peakRssBytes: count.nullable(),
  readings: count,
});

/** A second pass over one batch (`--check-repeat`): bitEqual is decided on the raw floats. */
export const repeatRowSchema = z.object({
  kind: z.literal('repeat'),
  batch: count,
  bitEqual: z.boolean(),
});

/**
 * A number that another tool reports (`assay import`). The value is a text, because rows keep 8
 * digits of a float and a report has to be quoted exactly.
 */
export const reportedRowSchema = z.object({
  kind: z.literal('reported'),
  metric: z.string(),
  unit: z.string(),
  value: z.string(),
  /** Key or column in the file that was imported. */
  place: z.string(),
  /** What the tool measured, where the file has it; of these the value is the mean. */
  samples: numbers.optional(),
});

export const sampleRowSchema = z.discriminatedUnion('kind', [
  tensorRowSchema,
  loadRowSchema,
  windowRowSchema,
  labelSetRowSchema,
  itemRowSchema,
  batchRowSchema,
  memoryRowSchema,
  repeatRowSchema,
  iterationRowSchema,
  roundRowSchema,
  coldStartRowSchema,
  generatedRowSchema,
  failureRowSchema,
  gpuRowSchema,
  reportedRowSchema,
  processRowSchema,
  anatomyRowSchema,
  differenceRowSchema,
  routingRowSchema,
  traceRowSchema,
  tracePairRowSchema,
]);
export type SampleRow = z.infer<typeof sampleRowSchema>;
export type TensorRow = z.infer<typeof tensorRowSchema>;
export type AnatomyRow = z.infer<typeof anatomyRowSchema>;
