/** How much of a model is really stored at each scheme. */
import type { Samples } from './samples.ts';

export interface Coverage {
  readonly tensors: number;
  /** Share of all parameters, 0 … 1. */
  readonly parameterShare: number;
}

const parametersOf = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);

export function coverageOf(samples: Samples, scheme: string): Coverage {
  let total = 0;
  let own = 0;
  let tensors = 0;
  for (const row of samples.tensors) {
    const parameters = parametersOf(row.shape);
    total += parameters;
    if (row.scheme !== scheme) continue;
    own += parameters;
    tensors++;
  }
  return { tensors, parameterShare: total === 0 ? 0 : own / total };
}
