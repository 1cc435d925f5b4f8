/** What is wrong between the fields of an experiment, where each alone is right. */

export interface CrossIssue {
  readonly path: PropertyKey[];
  readonly message: string;
}

const asList = (value: unknown): unknown[] => (Array.isArray(value) ? value : []);
const fields = (value: unknown): Record<string, unknown> => Object(value);

/** Takes any shape, to speak also where other fields are wrong. `isScheme`: a known one. */
export function crossIssues(value: unknown, isScheme: (text: unknown) => boolean): CrossIssue[] {
  const { baseline, measures, schemes, models, choose, cost } = fields(value);
  const issues: CrossIssue[] = [];
  if (isScheme(baseline) && Array.isArray(schemes) && !schemes.includes(baseline)) {
    issues.push({ path: ['baseline'], message: `baseline ${baseline} is not among schemes` });
  }
  if (isEmpty(choose)) issues.push({ path: ['choose'], message: 'names no limit' });
  if (isEmpty(fields(cost).usd_per_hour)) {
    issues.push({ path: ['cost', 'usd_per_hour'], message: 'gives no price: on_demand, spot' });
  }
  if (fields(choose).usd_per_1k_requests !== undefined && cost === undefined) {
    const message = 'needs a price: give cost.usd_per_hour and cost.utilization';
    issues.push({ path: ['choose', 'usd_per_1k_requests'], message });
  }
  const known = measureNames(asList(measures), issues);
  issues.push(...repeated('models', asList(models).map(modelOf)));
  issues.push(...repeated('schemes', asList(schemes)));
  for (const [index, entry] of asList(models).entries()) {
    const path = ['models', index];
    issues.push(
      ...selectionIssues({ entry, path, measures: known, schemes: asList(schemes), baseline }),
    );
  }
  return issues;
}

function isEmpty(value: unknown): boolean {
  return value instanceof Object && Object.keys(value).length === 0;
}

function modelOf(entry: unknown): unknown {
  return typeof entry === 'string' ? entry : fields(entry).model;
}

function repeated(key: string, entries: readonly unknown[]): CrossIssue[] {
  return entries.flatMap((entry, index) =>
    entry !== undefined && entries.indexOf(entry) < index
      ? [{ path: [key, index], message: `${entry} is listed twice` }]
      : [],
  );
}

interface Measures {
  /** Of all measures that are one. */
  readonly names: ReadonlySet<unknown>;
  readonly benches: ReadonlySet<unknown>;
}

/** Runs and reports know a measure by its name: of two with one name only one would be shown. */
function measureNames(measures: readonly unknown[], issues: CrossIssue[]): Measures {
  const names = new Set<unknown>();
  const benches = new Set<unknown>();
  for (const [index, measure] of measures.entries()) {
    const path = ['measures', index];
    const { eval: evaluation, task, bench, trace } = fields(measure);
    if ([evaluation, task, bench, trace].filter(Boolean).length !== 1) {
      issues.push({ path, message: 'a measure is exactly one of eval, task, bench, trace' });
      continue;
    }
    if (bench) issues.push(...benchIssues(fields(bench), [...path, 'bench']));
    const kind = task ? 'task' : trace ? 'trace' : 'bench';
    const own = fields(task ?? trace ?? bench).name ?? kind;
    const name = evaluation ? 'eval' : own;
    const message = `a second measure named ${name}: give tasks names, and another eval a file`;
    if (names.has(name)) issues.push({ path, message });
    names.add(name);
    if (bench) benches.add(name);
  }
  return { names, benches };
}

function benchIssues(bench: Record<string, unknown>, path: PropertyKey[]): CrossIssue[] {
  const issues: CrossIssue[] = [];
  const { runs = 100, warmup = 10, rounds = 10, prompts, prompt_tokens } = bench;
  const counts = [runs, warmup, rounds].every(Number.isInteger);
  const [of, warm, split] = [runs, warmup, rounds] as number[] as [number, number, number];
  if (counts && of < split) {
    const message = `${of} runs cannot be spread over ${split} rounds: at least one run a round`;
    issues.push({ path: [...path, 'runs'], message });
  }
  if (counts && of < warm) {
    const message = `${of} runs are fewer than the ${warm} of the warm-up`;
    issues.push({ path: [...path, 'runs'], message });
  }
  const sizes = asList(bench.batch_sizes);
  for (const issue of repeated('batch_sizes', sizes)) {
    issues.push({ ...issue, path: [...path, ...issue.path] });
  }
  if (prompts !== undefined && prompt_tokens !== undefined) {
    const message = 'the length of prompts of a file is their own: give prompts or prompt_tokens';
    issues.push({ path: [...path, 'prompt_tokens'], message });
  }
  return issues;
}

/** A model may leave out schemes and measures of the experiment, but not its baseline. */
function selectionIssues(of: {
  entry: unknown;
  path: PropertyKey[];
  measures: Measures;
  schemes: readonly unknown[];
  baseline: unknown;
}): CrossIssue[] {
  const { path, measures, baseline } = of;
  const { names, benches } = measures;
  const entry = fields(of.entry);
  const schemes = asList(entry.schemes);
  const issues: CrossIssue[] = [];
  for (const [index, scheme] of schemes.entries()) {
    if (of.schemes.includes(scheme)) continue;
    const message = `${scheme} is not among the schemes of the experiment`;
    issues.push({ path: [...path, 'schemes', index], message });
  }
  if (schemes.length > 0 && of.schemes.includes(baseline) && !schemes.includes(baseline)) {
    const message = `without the baseline ${baseline} there is nothing to compare with`;
    issues.push({ path: [...path, 'schemes'], message });
  }
  const chosen = entry.measures === undefined ? [...names] : asList(entry.measures);
  const several = chosen.filter((name) => benches.has(name));
  if (several.length > 1) {
    const message =
      `${modelOf(of.entry)} has ${several.length} benchmarks (${several.join(', ')}), and runs ` +
      'are named by batch size alone: choose one with {model, measures}';
    issues.push({ path, message });
  }
  for (const [index, name] of asList(entry.measures).entries()) {
    if (names.has(name)) continue;
    const message = `${name} is no measure of the experiment (${[...names].join(', ')})`;
    issues.push({ path: [...path, 'measures', index], message });
  }
  return issues;
}
