/** Who is beaten by nobody: as good in everything, and better in something, as nobody else is. */

export interface Objective {
  /** `latencyP95`, `perplexity`, … */
  readonly name: string;
  readonly better: 'lower' | 'higher';
}

export interface ParetoPoint {
  readonly id: string;
  /** By objective; null: not measured, or not to be ranked. */
  readonly values: Readonly<Record<string, number | null>>;
}

export interface ParetoFront {
  /** Those that somebody has a value of; the others tell nobody apart. */
  readonly objectives: readonly Objective[];
  readonly front: readonly string[];
  /** Each with one that beats it. */
  readonly dominated: readonly { readonly id: string; readonly by: string }[];
  /** Not placed, and which objectives are missing: an unknown figure is neither good nor bad. */
  readonly unplaced: readonly { readonly id: string; readonly missing: readonly string[] }[];
}

/** By point values; equal points do not beat each other. Quadratic in the number of points. */
export function paretoFront(
  points: readonly ParetoPoint[],
  all: readonly Objective[],
): ParetoFront {
  const objectives = all.filter(({ name }) => points.some((point) => isKnown(point, name)));
  const lacking = (point: ParetoPoint): string[] =>
    objectives.map(({ name }) => name).filter((name) => !isKnown(point, name));
  const placed = points.filter((point) => lacking(point).length === 0);
  const beaten = new Map<string, string>();
  for (const point of placed) {
    const by = placed.find((other) => dominates(other, point, objectives));
    if (by) beaten.set(point.id, by.id);
  }
  return {
    objectives,
    front: placed.filter(({ id }) => !beaten.has(id)).map(({ id }) => id),
    dominated: [...beaten].map(([id, by]) => ({ id, by })),
    unplaced: points.flatMap((point) => {
      const missing = lacking(point);
      return missing.length > 0 ? [{ id: point.id, missing }] : [];
    }),
  };
}

function isKnown({ values }: ParetoPoint, name: string): boolean {
  return Number.isFinite(values[name] ?? Number.NaN);
}

function dominates(a: ParetoPoint, b: ParetoPoint, objectives: readonly Objective[]): boolean {
  const ahead = objectives.map(({ name, better }) => {
    const difference = (a.values[name] as number) - (b.values[name] as number);
    return better === 'lower' ? -difference : difference;
  });
  return ahead.every((by) => by >= 0) && ahead.some((by) => by > 0);
}
