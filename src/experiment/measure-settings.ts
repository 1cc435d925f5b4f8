/** What an experiment file may say about each kind of measure. */
import { z } from 'zod';
import { TASK_METHODS } from '../measure/task/plan.ts';

export const nameSchema = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/, 'letters, digits, . _ - only, at most 64');

const evalSettingsSchema = z.strictObject({
  corpus: z.string().min(1),
  budget: z.enum(['smoke', 'standard', 'extended']).default('standard'),
  /** Tokens a window holds; default: what the model takes, at most 2,048. */
  context: z.number().int().min(2).max(1_048_576).optional(),
  /** Tokens between windows; default: half the context. */
  stride: z.number().int().min(1).optional(),
  batch_tokens: z.number().int().min(1).max(1_048_576).default(2_048),
  check_repeat: z.boolean().default(false),
});

const taskSettingsSchema = z.strictObject({
  name: nameSchema.default('task'),
  file: z.string().min(1),
  /** Default: `head` for a classifier, `likelihood` for choices, else `generation`. */
  method: z.enum(TASK_METHODS).optional(),
  prompt: z.string().default('{text}'),
  continuation: z.string().default(' {label}'),
  batch_tokens: z.number().int().min(1).max(1_048_576).default(2_048),
  check_repeat: z.boolean().default(false),
});

/** Beyond this a batch is a slip of the pen on any machine that this engine runs on. */
export const MAX_BATCH_SIZE = 4_096;
export const PROMPT_TOKENS = 64;

const whole = (least: number, most: number) => z.number().int().min(least).max(most);

const benchSettingsSchema = z.strictObject({
  /** Only for `measures` of a model: cells and runs are named by batch size. */
  name: nameSchema.default('bench'),
  batch_sizes: z.array(whole(1, MAX_BATCH_SIZE)).min(1).default([1]),
  /** Measured iterations of each batch size, spread over the rounds. */
  runs: whole(1, 1_000_000).default(100),
  warmup: whole(0, 1_000_000).default(10),
  rounds: whole(1, 10_000).default(10),
  /** Length of each prompt where they are drawn at random; default 64. */
  prompt_tokens: whole(1, 1_048_576).optional(),
  new_tokens: whole(1, 1_048_576).default(32),
  /** A file of prompts instead. */
  prompts: z.string().min(1).optional(),
  /** How many different prompts are used. */
  prompt_count: whole(1, 100_000).default(32),
  /** Fresh processes whose time to the first token is taken, at the smallest batch size. */
  cold_starts: whole(0, 1_000).default(3),
});

const traceSettingsSchema = z.strictObject({
  /** Only for `measures` of a model. */
  name: nameSchema.default('trace'),
  prompts: z.string().min(1),
  /** The first so many prompts of the file; default: all. */
  prompt_count: whole(1, 1_000_000).optional(),
  new_tokens: whole(1, 1_048_576).default(128),
  temperature: z.number().min(0).max(100).default(0),
  batch_size: whole(1, MAX_BATCH_SIZE).default(8),
  /** Layers to trace, as the model numbers them; default: all that route. */
  layers: z.array(whole(0, 4_095)).min(1).optional(),
  /** Share of the tokens to trace, drawn with the seed. */
  tokens_sample: z.number().gt(0).max(1).default(1),
  /** Trace twice and compare the files. */
  check_repeat: z.boolean().default(false),
  /** Pairs of a traced and an untraced batch that say what tracing costs. */
  compare: whole(0, 10_000).default(0),
  /** Also write the trace as Parquet. */
  parquet: z.boolean().default(false),
});

export const measureSchema = z.strictObject({
  eval: evalSettingsSchema.optional(),
  task: taskSettingsSchema.optional(),
  trace: traceSettingsSchema.optional(),
  bench: benchSettingsSchema.optional(),
});

export type EvalSettings = z.infer<typeof evalSettingsSchema>;
export type TaskSettings = z.infer<typeof taskSettingsSchema>;
export type TraceOptions = z.infer<typeof traceSettingsSchema>;
export type BenchMatrix = z.infer<typeof benchSettingsSchema>;
