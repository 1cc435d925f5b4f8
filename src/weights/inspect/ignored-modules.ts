/**
 * Which modules the config keeps, against which the files keep. Servers go by the config: a module
 * that is stored quantized and listed as kept is loaded as if its codes were weights, and one that
 * is stored plain and not listed lacks the scales that the server waits for.
 */
import { ignoreRules } from '../ignore.ts';
import type { LookedAt } from '../looked-at.ts';

/** GPTQ and AWQ have no list that all writers fill: there, what has codes is quantized. */
const LISTING: readonly string[] = ['fp8', 'compressed-tensors'];

export function ignoredProblems({ quantization, tensors }: LookedAt): string[] {
  if (quantization === null) return [];
  const kept = keepRule(quantization.ignore);
  // Embeddings, norms, routers and heads are no linear layers to a server, or are built plain.
  const byDefault = ignoreRules();
  const problems: string[] = [];
  for (const tensor of tensors) {
    const module = tensor.name.replace(/\.weight$/, '');
    if (tensor.kind !== 'plain') {
      if (kept(module)) problems.push(`${module} is quantized, and config.json lists it as kept`);
      continue;
    }
    const isMatrix = tensor.shape.length === 2 && tensor.name.endsWith('.weight');
    if (!isMatrix || !LISTING.includes(quantization.method)) continue;
    if (byDefault(module) !== null || kept(module)) continue;
    problems.push(`${module} is not quantized, and config.json does not list it as kept`);
  }
  return problems;
}

/** Whole paths, or `re:` with a pattern from the start of the path, as servers match them. */
export function keepRule(ignore: readonly string[]): (module: string) => boolean {
  const paths = new Set(ignore.filter((entry) => !entry.startsWith('re:')));
  const patterns = ignore
    .filter((entry) => entry.startsWith('re:'))
    .flatMap((entry) => {
      try {
        return [new RegExp(`^(?:${entry.slice(3)})`)];
      } catch {
        // A pattern of Python's that is none here keeps nothing: it then shows as a problem.
        return [];
      }
    });
  return (module) => paths.has(module) || patterns.some((pattern) => pattern.test(module));
}
