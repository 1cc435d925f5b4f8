/**
 * The experiment file: YAML in, a checked specification out. Every problem is reported at once,
 * each with its line, because nobody wants to fix a file one error at a time.
 */
import { type Document, isMap, isNode, isScalar, LineCounter, parseDocument } from 'yaml';
import { z } from 'zod';
import { UsageError } from '../record/errors.ts';
import { SCHEMES } from '../weights/scheme.ts';
import { type CrossIssue, crossIssues } from './cross-checks.ts';
import { chooseSchema, costSchema, nearestLimit, share } from './decision-keys.ts';
import { measureSchema, nameSchema } from './measure-settings.ts';

const scheme = z.enum(SCHEMES.map((known) => known.text) as [string, ...string[]]);

/** A reference alone takes part in everything; an object may take part in less. */
const modelSchema = z.preprocess(
  (entry) => (typeof entry === 'string' ? { model: entry } : entry),
  z.strictObject(
    {
      model: z.string().min(1),
      schemes: z.array(scheme).min(1).optional(),
      measures: z.array(nameSchema).min(1).optional(),
      /** `disk`: quantized schemes are written as checkpoints, and those are measured. */
      weights: z.enum(['memory', 'disk']).optional(),
    },
    'a model is a text, or {model, schemes, measures, weights}',
  ),
);

export const experimentSchema = z
  .strictObject({
    name: nameSchema,
    title: z.string().optional(),
    researcher: z.string().optional(),
    objective: z.string().optional(),
    models: z.array(modelSchema).min(1),
    schemes: z.array(scheme).min(1),
    /** The scheme that differences are relative to. */
    baseline: scheme,
    activations: z.enum(['int8', 'f32']).default('int8'),
    /** `webgpu`: on a GPU or not at all. */
    device: z.enum(['cpu', 'webgpu']).default('cpu'),
    threads: z.number().int().min(1).max(1_024).optional(),
    /** Tensors (globs) to leave unquantized beside the defaults. */
    ignore: z.array(z.string()).default([]),
    seed: z.number().int().min(0).max(0xffffffff).default(42),
    timeout_s: z.number().positive().optional(),
    measures: z.array(measureSchema).min(1),
    /** Differences inside these are called equivalent. */
    margins: z
      .strictObject({
        perplexity: share.default(0.01),
        accuracy: share.default(0.01),
        latency: share.default(0.05),
      })
      .default({ perplexity: 0.01, accuracy: 0.01, latency: 0.05 }),
    /** What may be deployed at all. */
    choose: chooseSchema.optional(),
    /** What the machine costs; absent: nothing is priced. */
    cost: costSchema.optional(),
  })
  .superRefine((spec, context) => {
    for (const issue of crossIssues(spec, isScheme)) context.addIssue({ code: 'custom', ...issue });
  })
  // Records and reports know models by their references; what each leaves out stands beside them.
  .transform(({ models, ...spec }) => {
    const selections = models.filter((entry) => entry.schemes || entry.measures || entry.weights);
    return {
      ...spec,
      models: models.map((entry) => entry.model),
      ...(selections.length > 0 ? { selections } : {}),
    };
  });

function isScheme(text: unknown): boolean {
  return scheme.safeParse(text).success;
}

export type ExperimentSpec = z.infer<typeof experimentSchema>;

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
  const checked = checkSpec(expanded(document, file));
  if ('spec' in checked) return { spec: checked.spec, lineOf };
  const problems = checked.problems
    .map(({ path, message, bare }) => {
      const at = path.length > 0 && !bare ? `${path.join('.')}: ` : '';
      return { line: lineOf(path), message: at + message };
    })
    .toSorted((a, b) => a.line - b.line)
    .map(({ line, message }) => `${file}:${line}: ${message}`);
  throw new UsageError(problems, { hint: HINT });
}

/** The specification, or all its problems: those between fields too, where a field is wrong. */
export function checkSpec(raw: unknown): { spec: ExperimentSpec } | { problems: readonly Told[] } {
  const parsed = experimentSchema.safeParse(raw);
  if (parsed.success) return { spec: parsed.data };
  const issues = parsed.error.issues.filter((issue) => issue.code !== 'custom');
  return {
    problems: [...issues.flatMap((issue) => told(issue, raw)), ...crossIssues(raw, isScheme)],
  };
}

export interface Told extends CrossIssue {
  /** The message names the key already. */
  readonly bare?: boolean;
}

function told(issue: z.core.$ZodIssue, raw: unknown): Told[] {
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => {
      const path = [...issue.path, key];
      const near = path[0] === 'choose' ? nearestLimit(key) : undefined;
      const meant = near === undefined ? '' : `: did you mean ${near}?`;
      return { path, message: `unknown key ${path.join('.')}${meant}`, bare: true };
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
