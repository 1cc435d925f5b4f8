/**
 * The experiment file: YAML in, a checked specification out. Every problem is reported at once,
 * each with its line, because nobody wants to fix a file one error at a time.
 */
import { type Document, isNode, LineCounter, parseDocument } from 'yaml';
import { z } from 'zod';
import { UsageError } from '../record/errors.ts';
import { SCHEMES } from '../weights/scheme.ts';

const name = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/, 'letters, digits, . _ - only, at most 64');

const scheme = z.enum(SCHEMES.map((known) => known.text) as [string, ...string[]]);

/** `2%` or 0.02. */
const share = z
  .union([z.number(), z.string().regex(/^\d+(\.\d+)?\s*%$/, 'a number or a percentage like 2%')])
  .transform((v) => (typeof v === 'number' ? v : Number.parseFloat(v) / 100))
  .pipe(z.number().positive().max(1));

export const evalSettingsSchema = z.strictObject({
  corpus: z.string().min(1),
  budget: z.enum(['smoke', 'standard', 'extended']).default('standard'),
  /** Tokens a window holds; default: what the model takes, at most 2,048. */
  context: z.number().int().min(2).max(1_048_576).optional(),
  /** Tokens between windows; default: half the context. */
  stride: z.number().int().min(1).optional(),
  batch_tokens: z.number().int().min(1).max(1_048_576).default(2_048),
  check_repeat: z.boolean().default(false),
});

export const taskSettingsSchema = z.strictObject({
  name: name.default('task'),
  file: z.string().min(1),
  prompt: z.string().default('{text}'),
  continuation: z.string().default(' {label}'),
  batch_tokens: z.number().int().min(1).max(1_048_576).default(2_048),
  check_repeat: z.boolean().default(false),
});

const measureSchema = z.strictObject({
  eval: evalSettingsSchema.optional(),
  task: taskSettingsSchema.optional(),
});

export const experimentSchema = z
  .strictObject({
    name,
    title: z.string().optional(),
    researcher: z.string().optional(),
    objective: z.string().optional(),
    models: z.array(z.string().min(1)).min(1),
    schemes: z.array(scheme).min(1),
    /** The scheme that differences are relative to. */
    baseline: scheme,
    activations: z.enum(['int8', 'f32']).default('int8'),
    threads: z.number().int().min(1).max(1_024).optional(),
    /** Tensors (globs) to leave unquantized beside the defaults. */
    ignore: z.array(z.string()).default([]),
    seed: z.number().int().min(0).max(0xffffffff).default(42),
    timeout_s: z.number().positive().optional(),
    measures: z.array(measureSchema).min(1),
    /** Differences inside these are called equivalent. */
    margins: z
      .strictObject({ perplexity: share.default(0.01), accuracy: share.default(0.01) })
      .default({ perplexity: 0.01, accuracy: 0.01 }),
  })
  .superRefine((spec, context) => {
    if (!spec.schemes.includes(spec.baseline)) {
      context.addIssue({
        code: 'custom',
        path: ['baseline'],
        message: `baseline ${spec.baseline} is not among schemes`,
      });
    }
    for (const [index, measure] of spec.measures.entries()) {
      if ((measure.eval ? 1 : 0) + (measure.task ? 1 : 0) === 1) continue;
      context.addIssue({
        code: 'custom',
        path: ['measures', index],
        message: 'a measure is exactly one of eval, task',
      });
    }
    for (const key of ['models', 'schemes'] as const) {
      const seen = new Set<string>();
      for (const [index, value] of spec[key].entries()) {
        if (seen.has(value)) {
          const message = `${value} is listed twice`;
          context.addIssue({ code: 'custom', path: [key, index], message });
        }
        seen.add(value);
      }
    }
  });

export type ExperimentSpec = z.infer<typeof experimentSchema>;
export type EvalSettings = z.infer<typeof evalSettingsSchema>;
export type TaskSettings = z.infer<typeof taskSettingsSchema>;

/** Where in the file a path of keys stands; for messages of later checks. */
export type LineOf = (path: readonly PropertyKey[]) => number;

export interface ParsedExperiment {
  readonly spec: ExperimentSpec;
  readonly lineOf: LineOf;
}

/** Aliases are resolved only here: one without its anchor, or a bomb of them, is an error here. */
function expanded(document: Document, file: string): unknown {
  try {
    return document.toJS() ?? {};
  } catch (cause) {
    const hint = 'write the values out instead of using YAML aliases';
    throw new UsageError(`${file}: ${(cause as Error).message}`, { hint, cause });
  }
}

/** Throws UsageError with all problems, each as `file:line: problem`. */
export function parseExperiment(text: string, file: string): ParsedExperiment {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, uniqueKeys: true });
  if (document.errors.length > 0) {
    throw new UsageError(
      document.errors.map(
        (error) => `${file}:${lines.linePos(error.pos[0]).line}: ${error.message.split('\n')[0]}`,
      ),
      { hint: '`assay init` writes a commented example' },
    );
  }
  const lineOf: LineOf = (path) => {
    // An absent key has no node: point at the nearest parent that is there.
    for (let depth = path.length; depth >= 0; depth--) {
      const node = document.getIn(path.slice(0, depth), true);
      if (isNode(node) && node.range) return lines.linePos(node.range[0]).line;
    }
    return 1;
  };
  const parsed = experimentSchema.safeParse(expanded(document, file));
  if (parsed.success) return { spec: parsed.data, lineOf };
  const problems = parsed.error.issues.flatMap((issue) => {
    if (issue.code === 'unrecognized_keys') {
      return issue.keys.map((key) => {
        const path = [...issue.path, key];
        return `${file}:${lineOf(path)}: unknown key ${path.join('.')}`;
      });
    }
    const at = issue.path.length > 0 ? `${issue.path.join('.')}: ` : '';
    return [`${file}:${lineOf(issue.path)}: ${at}${issue.message}`];
  });
  throw new UsageError(problems, { hint: '`assay init` writes a commented example' });
}
