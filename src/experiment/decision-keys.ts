/** What an experiment file may demand and pay: `choose` and `cost`. Units are in the names. */
import { z } from 'zod';
import { LIMIT_NAMES, LIMITS, type LimitName } from '../analyze/constraints.ts';
import { PRICE_NAMES } from '../analyze/cost.ts';

export const SHARE = 'a number or a percentage like 2%';

/** `2%` or 0.02. */
export const share = z
  .union([z.number(), z.string().regex(/^\d+(\.\d+)?\s*%$/, SHARE)], SHARE)
  .transform((v) => (typeof v === 'number' ? v : Number.parseFloat(v) / 100))
  .pipe(z.number().positive().max(1, 'is more than 1: two percent are 2% or 0.02'));

const WORDS: Readonly<Record<string, string>> = {
  ms: 'a number of milliseconds, without a unit, like 50',
  GiB: 'a number of GiB (of 1,073,741,824 bytes), without a unit, like 16',
  'samples/s': 'a number of samples a second, without a unit, like 20',
  'tokens/s': 'a number of tokens a second, without a unit, like 500',
  USD: 'a number of US dollars, without a unit, like 0.01',
};

function limit(name: LimitName) {
  const { unit } = LIMITS[name];
  if (unit === 'share') return share.optional();
  return z.number(WORDS[unit]).positive(WORDS[unit]).optional();
}

export const chooseSchema = z.strictObject(
  Object.fromEntries(LIMIT_NAMES.map((name) => [name, limit(name)])) as {
    [K in LimitName]: z.ZodOptional<z.ZodNumber>;
  },
  `limits by name: ${LIMIT_NAMES.join(', ')}`,
);

const USD_PER_HOUR = 'US dollars for an hour of the machine, a number like 1.89';
const price = z.number(USD_PER_HOUR).positive(USD_PER_HOUR).optional();

export const costSchema = z.strictObject(
  {
    usd_per_hour: z.strictObject(
      { on_demand: price, spot: price },
      `prices by name: {${PRICE_NAMES.join(', ')}}`,
    ),
    /** Share of the paid time in which the machine works as it did when it was measured. */
    utilization: share,
  },
  '{usd_per_hour: {on_demand, spot}, utilization}',
);

/** Keys that hold the same quantity in another unit, or by another name. */
export function nearestLimit(key: string): string | undefined {
  const stem = (name: string): string => name.replace(/_(ms|s|us|gib|gb|mib|mb|percent)$/, '');
  return LIMIT_NAMES.find((name) => stem(name) === stem(key));
}

const decisionSchema = z.strictObject({
  choose: chooseSchema.optional(),
  cost: costSchema.optional(),
});
export type CheckedDecision = z.infer<typeof decisionSchema>;

/** Limits and prices that were given apart from a file, or every problem of them. */
export function checkDecision(
  raw: unknown,
): { found: CheckedDecision } | { problems: readonly string[] } {
  const parsed = decisionSchema.safeParse(raw);
  if (parsed.success) return { found: parsed.data };
  const problems = parsed.error.issues.flatMap((issue) => {
    if (issue.code !== 'unrecognized_keys') {
      let value = raw;
      for (const key of issue.path) value = Object(value)[key];
      const message = value === undefined ? 'is missing' : issue.message;
      return [`${issue.path.join('.')}: ${message}`];
    }
    return issue.keys.map((key) => {
      const near = issue.path[0] === 'choose' ? nearestLimit(key) : undefined;
      const known = issue.path[0] === 'choose' ? LIMIT_NAMES : [...PRICE_NAMES, 'utilization'];
      const meant = near === undefined ? `known are ${known.join(', ')}` : `did you mean ${near}?`;
      return `${issue.path[0]?.toString()}: unknown key ${key}: ${meant}`;
    });
  });
  return { problems };
}
