/** The limits and prices that a decision is made by, as manifests hold them. */
import { z } from 'zod';
import { LIMIT_NAMES, type LimitName } from '../analyze/constraints.ts';
import { PRICE_NAMES, type PriceName } from '../analyze/cost.ts';

const limits = LIMIT_NAMES.map((name) => [name, z.number().optional()] as const);
const prices = PRICE_NAMES.map((name) => [name, z.number().optional()] as const);

export const decisionSettings = {
  choose: z
    .object(Object.fromEntries(limits) as Record<LimitName, z.ZodOptional<z.ZodNumber>>)
    .optional(),
  cost: z
    .object({
      usd_per_hour: z.object(
        Object.fromEntries(prices) as Record<PriceName, z.ZodOptional<z.ZodNumber>>,
      ),
      utilization: z.number(),
    })
    .optional(),
};
