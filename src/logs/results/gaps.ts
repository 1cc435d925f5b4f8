/** What is double, and what is missing, in the matrix that some results make up. */
import type { ImportedResult } from './imported.ts';

export interface Gaps<T> {
  readonly duplicates: readonly { readonly copy: T; readonly of: T }[];
  /** In words, one a variant. */
  readonly missing: readonly string[];
}

export function gapsOf<T extends { readonly result: ImportedResult }>(
  entries: readonly T[],
): Gaps<T> {
  const seen = new Map<string, T>();
  const duplicates: { copy: T; of: T }[] = [];
  for (const entry of entries) {
    const { result } = entry;
    if (result.metrics.length === 0) continue;
    const key = JSON.stringify([cellOf(result), result.metrics.map((m) => [m.name, m.value])]);
    const first = seen.get(key);
    if (first) duplicates.push({ copy: entry, of: first });
    else seen.set(key, entry);
  }
  return { duplicates, missing: missingIn(entries.map((e) => e.result)) };
}

const cellOf = ({ tool, model, scheme, settings }: ImportedResult): unknown => [
  tool,
  model,
  scheme,
  settings,
];

/** Batch sizes that other variants of the model have; and variants that only failed. */
function missingIn(results: readonly ImportedResult[]): string[] {
  const models = new Map<string, Map<string, Set<number>>>();
  const failed: string[] = [];
  for (const { model, scheme, settings, error } of results) {
    const { batchSize, ...rest } = settings;
    if (error !== null) failed.push(`${model} at ${scheme}: ${error.slice(0, 80)}`);
    if (typeof batchSize !== 'number' || error !== null) continue;
    const variants = models.get(model) ?? new Map<string, Set<number>>();
    models.set(model, variants);
    const variant = [scheme, ...Object.keys(rest)].join('+');
    variants.set(variant, (variants.get(variant) ?? new Set()).add(batchSize));
  }
  const gaps = [...models].flatMap(([model, variants]) => {
    const all = new Set([...variants.values()].flatMap((sizes) => [...sizes]));
    return [...variants].flatMap(([variant, sizes]) => {
      const absent = [...all].filter((size) => !sizes.has(size)).sort((a, b) => a - b);
      if (absent.length === 0) return [];
      return [`${model}, ${variant}: batch size ${absent.join(', ')}`];
    });
  });
  return [...gaps, ...failed];
}
