/** What of two manifests decides whether, and how far, their speeds compare. */
import { canonicalJson } from '../record/canonical.ts';
import type { Manifest } from '../record/schema.ts';

type Pair = { readonly variant: Manifest; readonly baseline: Manifest } | undefined;

/** `suspect-drift`, …: something else than the scheme may have decided a time. */
const SUSPECT = 'suspect-';

/** Why what the two runs predict says nothing about a variant of one model; null: they compare. */
export function cannotCompareQuality(manifests: Pair): string | null {
  if (!manifests) return null;
  if (otherCorpora(manifests)) return 'different corpora: the data files have other SHA-256';
  if (otherModels(manifests)) return OTHER_MODELS;
  const settings = differentSettings(manifests).filter((name) => !OF_NO_RESULT.has(name));
  return settings.length > 0 ? `measured with other settings: ${settings.join(', ')}` : null;
}

/** Settings of a measure that change how long it takes, not what it scores. */
const OF_NO_RESULT = new Set(['batch_tokens', 'check_repeat', 'seeds']);

const OTHER_MODELS = 'different models: only bits per byte compare, with --across models';

/** Whether the two measured other data; false where a run does not tell. */
export function otherCorpora({ variant, baseline }: NonNullable<Pair>): boolean {
  const [a, b] = [variant.config.dataSha256, baseline.config.dataSha256];
  return a !== undefined && b !== undefined && a !== b;
}

/** Whether the weights came from other files, whatever these are called. */
export function otherModels({ variant, baseline }: NonNullable<Pair>): boolean {
  const filesOf = ({ model }: Manifest): string | null =>
    model && canonicalJson([...model.files.map((file) => file.sha256), model.configSha256].sort());
  const [a, b] = [filesOf(variant), filesOf(baseline)];
  return a !== null && b !== null && a !== b;
}

/** Why the two runs' speeds say nothing about each other; null: they compare. */
export function cannotCompareSpeed(manifests: Pair): string | null {
  if (!manifests) return 'where and how the two ran is not known';
  const { variant, baseline } = manifests;
  for (const { engine } of [variant, baseline]) {
    if (!engine) return 'a run has no engine';
    if (engine.simulated !== null) {
      return `the speed of ${engine.scheme} is simulated here (${engine.simulated})`;
    }
  }
  if (otherModels(manifests)) return 'different models';
  if (machineOf(variant) !== machineOf(baseline)) {
    return `other machines: ${machineOf(variant)} and ${machineOf(baseline)}`;
  }
  if (engineOf(variant) !== engineOf(baseline)) {
    return `other engines: ${engineOf(variant)} and ${engineOf(baseline)}`;
  }
  if (otherCorpora(manifests)) return 'different prompts: the data files have other SHA-256';
  const settings = differentSettings(manifests);
  return settings.length > 0 ? `measured with other settings: ${settings.join(', ')}` : null;
}

/** Why the two were not measured in one field: another machine, engine or work; null: they were. */
export function otherField(manifests: NonNullable<Pair>): string | null {
  const { variant, baseline } = manifests;
  const machine = machineOf(variant);
  if (machine !== machineOf(baseline)) return `measured on another machine: ${machine}`;
  const engine = engineOf(variant);
  if (engine !== engineOf(baseline)) return `measured on another engine: ${engine}`;
  const other = differentSettings(manifests).filter((name) => !OWN_SETTINGS.has(name));
  return other.length > 0 ? `measured with other settings: ${other.join(', ')}` : null;
}

/** What differs between the batch sizes of one benchmark. */
const OWN_SETTINGS = new Set(['batch_size', 'cold_starts']);

function machineOf({ environment }: Manifest): string {
  const { hostname, cpu } = environment;
  return `${hostname} (${cpu.model}, ${cpu.logicalCores} cores)`;
}

function engineOf({ engine }: Manifest): string {
  return engine ? `${engine.name} on ${engine.device} with ${engine.threads} threads` : 'none';
}

/** Names of the measure's settings that differ. Paths may move: rows tell other prompts. */
export function differentSettings(manifests: NonNullable<Pair>): string[] {
  const [a, b] = [settingsOf(manifests.variant), settingsOf(manifests.baseline)];
  const same = (name: string): boolean =>
    canonicalJson(a[name] ?? null) === canonicalJson(b[name] ?? null);
  return [...new Set([...Object.keys(a), ...Object.keys(b)])].filter((name) => !same(name)).sort();
}

/** What decides a measure's result, without the paths of its files. */
export function settingsOf({ config, seeds }: Manifest): Record<string, unknown> {
  const measure = Object.entries(Object(config.measure) as Record<string, unknown>);
  return { ...Object.fromEntries(measure.filter(([name]) => !name.endsWith('Path'))), seeds };
}

/** What a verdict must not hide. */
export function speedNotes(manifests: Pair): string[] {
  if (!manifests) return [];
  const { variant, baseline } = manifests;
  const suspect = (manifest: Manifest): string[] => {
    const why = suspicionsOf(manifest);
    return why.length > 0 ? [`${manifest.variant.scheme} is suspect (${why.join(', ')})`] : [];
  };
  const apart = ranApart(manifests)
    ? ['the two did not run interleaved: drift is in the ratio']
    : [];
  return [...suspect(variant), ...suspect(baseline), ...apart];
}

/** Whether one had ended before the other began. */
export function ranApart({ variant, baseline }: NonNullable<Pair>): boolean {
  return after(variant.startedAt, baseline.endedAt) || after(baseline.startedAt, variant.endedAt);
}

/** What was noticed beside a run's times, in a word each: `drift`, `contention`. */
export function suspicionsOf({ findings }: Manifest): string[] {
  return findings
    .filter(({ code }) => code.startsWith(SUSPECT))
    .map(({ code }) => code.slice(SUSPECT.length));
}

function after(start: string, end: string | null): boolean {
  return end !== null && Date.parse(start) >= Date.parse(end);
}
