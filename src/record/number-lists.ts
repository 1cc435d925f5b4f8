/** Lists of numbers, checked in one loop: zod's own array makes an object for every element. */
import { z } from 'zod';

const isCount = (value: unknown): boolean => Number.isSafeInteger(value) && (value as number) >= 0;

/** Finite, as JSON's are. */
export const numbers = z.custom<number[]>(
  (value) => Array.isArray(value) && value.every(Number.isFinite),
  'expected a list of numbers',
);

/** null stands for NaN or ±Infinity, which JSON cannot hold. */
export const numbersOrNull = z.custom<(number | null)[]>(
  (value) => Array.isArray(value) && value.every((x) => x === null || Number.isFinite(x)),
  'expected a list of numbers and nulls',
);

/** Whole, from 0 up. */
export const counts = z.custom<number[]>(
  (value) => Array.isArray(value) && value.every(isCount),
  'expected a list of whole numbers',
);

/** From 0 up, like times. */
export const amounts = z.custom<number[]>(
  (value) => Array.isArray(value) && value.every((x) => Number.isFinite(x) && x >= 0),
  'expected a list of numbers from 0 up',
);
