/**
 * claims.yaml: statements that evidence can decide. Every problem is reported at once, with its
 * line, as the experiment file does.
 */
import { type Document, isNode, LineCounter, parseDocument } from 'yaml';
import { z } from 'zod';
import { UsageError } from '../../record/errors.ts';
import { compilePattern } from '../line-search.ts';

/** RE2; compiled when the file is read, so that a mistake is told with its line. */
const pattern = z
  .string()
  .min(1)
  .max(2000)
  .superRefine((source, context) => {
    try {
      compilePattern(source);
    } catch (error) {
      context.addIssue({ code: 'custom', message: (error as Error).message });
    }
  });
const bound = z.union([z.number(), z.string().regex(/^-?\d+(?:\.\d+)?$/, 'a number')]);

/** `5 min`, `~8 hours`, `322` (seconds). */
const duration = z.union([
  z.number().nonnegative(),
  z.string().regex(/^~?\s*\d+(?:\.\d+)?\s*(?:s|sec|seconds?|min|minutes?|h|hr|hours?|d|days?)$/, {
    message: 'a duration like 322, "5 min" or "~8 hours"',
  }),
]);

const outcome = z.enum([
  'succeeded',
  'failed',
  'cancelled',
  'timed-out',
  'out-of-memory',
  'unfinished',
  'unknown',
]);

/** Which logs: a path, a glob, a job id; or a number: of a fact, a metric, a file's match. */
const subjectSchema = z
  .strictObject({
    file: z.string().min(1).optional(),
    job: z.union([z.string(), z.number()]).transform(String).optional(),
    fact: z.string().min(1).optional(),
    run: z.string().min(1).optional(),
    metric: z.string().min(1).optional(),
    /** The first capture of the first match in `file`. */
    capture: pattern.optional(),
    /** A number as it is written elsewhere: `1.2004`, `~8`. */
    printed: z.string().optional(),
  })
  .refine((s) => s.metric === undefined || s.run !== undefined, 'a metric needs a run')
  .refine(
    (s) =>
      s.file !== undefined || s.job !== undefined || s.run !== undefined || s.printed !== undefined,
    'a subject is a file, a job, a run with a metric, or a printed number',
  );
export type Subject = z.infer<typeof subjectSchema>;

const claimSchema = z
  .strictObject({
    claim: z.string().min(1),
    subject: subjectSchema.optional(),
    /** Only where this pattern is found in the subject; otherwise not applicable. */
    when: pattern.optional(),
    ignoreCase: z.boolean().default(false),
    matches: pattern.optional(),
    absent: pattern.optional(),
    count: z
      .strictObject({
        pattern,
        is: z.number().int().optional(),
        atLeast: z.number().int().optional(),
        atMost: z.number().int().optional(),
      })
      .optional(),
    value: bound.optional(),
    range: z.tuple([z.number(), z.number()]).optional(),
    duration: duration.optional(),
    outcome: outcome.optional(),
    equals: subjectSchema.optional(),
    /** Names of `numbers`, arithmetic, and one comparison: `a / b >= 0.98`. */
    formula: z.string().min(1).max(500).optional(),
    numbers: z.record(z.string().regex(/^[a-zA-Z_]\w*$/), subjectSchema).optional(),
  })
  .superRefine((claim, context) => {
    const given = PREDICATES.filter((name) => claim[name] !== undefined);
    if (given.length !== 1) {
      const not = given.length > 1 ? `, not ${given.join(' and ')}` : '';
      const message = `one of ${PREDICATES.join(', ')} is needed${not}`;
      context.addIssue({ code: 'custom', message });
    }
    if (claim.formula === undefined && claim.subject === undefined) {
      context.addIssue({ code: 'custom', path: ['subject'], message: 'is missing' });
    }
    if (claim.formula !== undefined && claim.numbers === undefined) {
      context.addIssue({ code: 'custom', path: ['numbers'], message: 'a formula needs numbers' });
    }
  });

const PREDICATES = [
  'matches',
  'absent',
  'count',
  'value',
  'range',
  'duration',
  'outcome',
  'equals',
  'formula',
] as const;

export type Claim = z.infer<typeof claimSchema>;

const fileSchema = z.strictObject({
  /** Where the logs are, relative to the file. */
  logs: z.string().min(1).optional(),
  claims: z.array(claimSchema).min(1),
});

export interface LocatedClaim {
  readonly claim: Claim;
  /** Of the file. */
  readonly line: number;
}

const HINT = '`assay claims init DIR` writes an example from the logs';

export interface ClaimsFile {
  /** As the file says it; null where it does not. */
  readonly logs: string | null;
  readonly claims: readonly LocatedClaim[];
}

/** Throws UsageError with all problems, each as `file:line: problem`. */
export function parseClaims(text: string, file: string): ClaimsFile {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  if (document.errors.length > 0) {
    const problems = document.errors.map(
      ({ pos, message }) => `${file}:${lines.linePos(pos[0]).line}: ${message}`,
    );
    throw new UsageError(problems, { hint: HINT });
  }
  const lineOf = (path: readonly PropertyKey[]): number => {
    for (let depth = path.length; depth >= 0; depth--) {
      const offset = offsetOf(document, path.slice(0, depth));
      if (offset !== null) return lines.linePos(offset).line;
    }
    return 1;
  };
  const parsed = fileSchema.safeParse(contentOf(document, file));
  if (!parsed.success) {
    const problems = parsed.error.issues
      .map(({ path, message }) => ({
        line: lineOf(path),
        message: `${path.join('.')}: ${message}`,
      }))
      .toSorted((a, b) => a.line - b.line)
      .map(({ line, message }) => `${file}:${line}: ${message.replace(/^: /, '')}`);
    throw new UsageError(problems, { hint: HINT });
  }
  const { logs = null, claims } = parsed.data;
  return { logs, claims: claims.map((claim, i) => ({ claim, line: lineOf(['claims', i]) })) };
}

/** Aliases are resolved here: a bomb of them, or one without its anchor, is an error here. */
function contentOf(document: Document, file: string): unknown {
  try {
    return document.toJS() ?? {};
  } catch (cause) {
    throw new UsageError(`${file}: ${(cause as Error).message}`, {
      hint: 'write the values out instead of using YAML aliases',
      cause,
    });
  }
}

function offsetOf(document: Document, path: readonly PropertyKey[]): number | null {
  const node = document.getIn(path, true);
  return isNode(node) && node.range ? node.range[0] : null;
}
