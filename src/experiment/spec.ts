/**
 * The experiment file: YAML in, a checked specification out. Every problem is reported at once,
 * each with its line, because nobody wants to fix a file one error at a time.
 */
import { type Document, isMap, isNode, isScalar, LineCounter, parseDocument } from 'yaml';
import { z } from 'zod';
import { UsageError } from '../record/errors.ts';
import { SCHEMES } from '../weights/scheme.ts';

const name = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/, 'letters, digits, . _ - only, at most 64');

const scheme = z.enum(SCHEMES.map((known) => known.text) as [string, ...string[]]);

const SHARE = 'a number or a percentage like 2%';

/** `2%` or 0.02. */
const share = z
  .union([z.number(), z.string().regex(/^\d+(\.\d+)?\s*%$/, SHARE)], SHARE)
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
    for (const issue of crossIssues(spec)) context.addIssue({ code: 'custom', ...issue });
  });

interface CrossIssue {
  readonly path: PropertyKey[];
  readonly message: string;
}

/** What shows only between fields; takes any shape, to speak also where other fields are wrong. */
function crossIssues(value: unknown): CrossIssue[] {
  const { baseline, measures, ...lists } = Object(value) as Record<string, unknown>;
  const issues: CrossIssue[] = [];
  const names = new Set<unknown>();
  const known = scheme.safeParse(baseline).success && Array.isArray(lists.schemes);
  if (known && !(lists.schemes as unknown[]).includes(baseline)) {
    issues.push({ path: ['baseline'], message: `baseline ${baseline} is not among schemes` });
  }
  for (const [index, measure] of asList(measures).entries()) {
    const { eval: evaluation, task } = Object(measure) as Record<string, unknown>;
    if ((evaluation ? 1 : 0) + (task ? 1 : 0) !== 1) {
      issues.push({ path: ['measures', index], message: 'a measure is exactly one of eval, task' });
      continue;
    }
    // Runs and reports know a measure by its name: of two with one name only one would be shown.
    const name = evaluation ? 'eval' : (Object(task).name ?? 'task');
    const message = `a second measure named ${name}: give tasks names, and another eval a file`;
    if (names.has(name)) issues.push({ path: ['measures', index], message });
    names.add(name);
  }
  for (const key of ['models', 'schemes']) {
    const seen = new Set<unknown>();
    for (const [index, entry] of asList(lists[key]).entries()) {
      if (seen.has(entry)) issues.push({ path: [key, index], message: `${entry} is listed twice` });
      seen.add(entry);
    }
  }
  return issues;
}

const asList = (value: unknown): unknown[] => (Array.isArray(value) ? value : []);

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

const HINT = '`assay init` writes a commented example';

/** Throws UsageError with all problems, each as `file:line: problem`, in the order of the file. */
export function parseExperiment(text: string, file: string): ParsedExperiment {
  const lines = new LineCounter();
  const options = { lineCounter: lines, uniqueKeys: true, prettyErrors: false };
  const document = parseDocument(text, options);
  if (document.errors.length > 0) {
    const problems = document.errors.map(({ pos, code, message }) => {
      const said = code === 'MULTIPLE_DOCS' ? 'a file holds one experiment, not several' : message;
      return `${file}:${lines.linePos(pos[0]).line}: ${said}`;
    });
    throw new UsageError(problems, { hint: HINT });
  }
  const lineOf: LineOf = (path) => {
    // An absent key has no node: point at the nearest parent that is there.
    for (let depth = path.length; depth >= 0; depth--) {
      const offset = offsetOf(document, path.slice(0, depth));
      if (offset !== null) return lines.linePos(offset).line;
    }
    return 1;
  };
  const raw = expanded(document, file);
  const parsed = experimentSchema.safeParse(raw);
  if (parsed.success) return { spec: parsed.data, lineOf };
  const issues = parsed.error.issues.filter((issue) => issue.code !== 'custom');
  const found = [...issues.flatMap((issue) => told(issue, raw)), ...crossIssues(raw)];
  const problems = found
    .map(({ path, message, bare }: Told) => {
      const at = path.length > 0 && !bare ? `${path.join('.')}: ` : '';
      return { line: lineOf(path), message: at + message };
    })
    .toSorted((a, b) => a.line - b.line)
    .map(({ line, message }) => `${file}:${line}: ${message}`);
  throw new UsageError(problems, { hint: HINT });
}

interface Told extends CrossIssue {
  /** The message names the key already. */
  readonly bare?: boolean;
}

function told(issue: z.core.$ZodIssue, raw: unknown): Told[] {
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => {
      const path = [...issue.path, key];
      return { path, message: `unknown key ${path.join('.')}`, bare: true };
    });
  }
  let value = raw;
  for (const key of issue.path) value = Object(value)[key];
  return [{ path: issue.path, message: value === undefined ? 'is missing' : issue.message }];
}

/** Where the key (of a map) or the value (of a list) at the end of the path begins. */
function offsetOf(document: Document, path: readonly PropertyKey[]): number | null {
  const parent = path.length > 0 ? document.getIn(path.slice(0, -1), true) : null;
  const pair = isMap(parent)
    ? parent.items.find(({ key }) => isScalar(key) && String(key.value) === String(path.at(-1)))
    : undefined;
  const node = pair ? pair.key : document.getIn(path, true);
  return isNode(node) && node.range ? node.range[0] : null;
}
