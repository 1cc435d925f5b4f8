/**
 * Pictures of an autopsy: how the standard deviation of each tensor runs over the layers, and how
 * the sizes of all values are distributed. Both are drawn from the rows of the run.
 */
import type { AnatomyRow } from '../../record/rows.ts';
import { type Chart, chart, type Planned, type Spec } from './chart.ts';
import { colorScale } from './theme.ts';

/** Tensors that come once a layer. */
export interface StdSeries {
  /** Name with `*` for the number of the layer. */
  readonly pattern: string;
  readonly points: readonly {
    readonly layer: number;
    readonly name: string;
    readonly std: number;
  }[];
}

/** More names than that are no legend; those with most values are kept. */
const MOST_FAMILIES = 12;
/** More rows than that do not fit on a page. */
const MOST_ROWS = 40;

/** Tensors of one kind: all layers and experts. */
const familyOf = (name: string): string => name.replaceAll(/(^|\.)\d+(?=\.)/g, '$1*');

/** Without what all names have in common. */
function shortened(families: readonly string[]): (family: string) => string {
  const plain = (family: string): string => family.replace(/^model\./, '').replace(/\.weight$/, '');
  const names = families.map(plain);
  const clash = new Set(names).size < new Set(families).size;
  return clash ? (family) => family : plain;
}

export function stdChart(series: readonly StdSeries[], rows: readonly AnatomyRow[]): Planned {
  const name = 'std-over-depth';
  const title = 'Standard deviation over depth';
  if (series.length === 0) {
    return { name, title, reason: 'no tensor comes in four layers or more' };
  }
  const { kept, more } = largestFamilies(
    rows,
    new Set(series.map(({ pattern }) => familyOf(pattern))),
  );
  const short = shortened(kept);
  const matrices = new Set(rows.filter(({ shape }) => shape.length > 1).map((row) => row.name));
  const values = series.flatMap(({ pattern, points }) =>
    points.map((point) => ({
      ...{ pattern, layer: point.layer, std: point.std, family: short(familyOf(pattern)) },
      kind: matrices.has(point.name) ? 'Matrices' : 'Vectors',
    })),
  );
  const names = kept.map(short);
  const panels = ['Matrices', 'Vectors']
    .map((kind) => ({ kind, values: values.filter((value) => value.kind === kind) }))
    .map(({ kind, values: own }) => ({
      kind,
      values: own.filter(({ family }) => names.includes(family)),
    }))
    .filter((panel) => panel.values.length > 0);
  return chart(
    {
      ...{ name, title },
      alt: 'Lines of the standard deviation of each kind of tensor over the layers',
      notes: [
        'Of the stored values, logarithmic; a line that leaves the others is a layer to look at',
        more > 0
          ? `The ${kept.length} kinds with most values; ${more} more are in the record`
          : null,
      ],
    },
    {
      vconcat: panels.map((panel) => stdPanel(panel, names)) as never,
      resolve: { scale: { color: 'independent' } },
    },
  );
}

function stdPanel(
  { kind, values }: { kind: string; values: readonly { family: string }[] },
  names: readonly string[],
): Spec {
  const { range: colors } = colorScale(names) as { range: string[] };
  const own = names.filter((name) => values.some(({ family }) => family === name));
  return {
    width: 460,
    height: kind === 'Matrices' ? 220 : 140,
    data: { values: values as never },
    mark: { type: 'line', strokeWidth: 1.4, point: { size: 14 } },
    encoding: {
      x: {
        field: 'layer',
        type: 'quantitative',
        title: 'Layer',
        scale: { nice: false },
        axis: { tickMinStep: 1 },
      },
      y: {
        ...{ field: 'std', type: 'quantitative', title: `Std: ${kind.toLowerCase()}` },
        scale: { type: 'log', nice: false, padding: 10 },
        axis: { format: '~g' },
      },
      detail: { field: 'pattern', type: 'nominal' },
      color: {
        ...{ field: 'family', type: 'nominal', title: null, sort: own },
        scale: { domain: own, range: own.map((name) => colors[names.indexOf(name)]!) },
        legend: { labelLimit: 420 },
      },
    },
  };
}

/** Kinds of tensors with most values first. */
function largestFamilies(
  rows: readonly AnatomyRow[],
  among: ReadonlySet<string> | null,
  most: number = MOST_FAMILIES,
): { kept: string[]; more: number } {
  const sizes = new Map<string, number>();
  for (const { name, elements } of rows) {
    const family = familyOf(name);
    if (among === null || among.has(family)) sizes.set(family, (sizes.get(family) ?? 0) + elements);
  }
  const ordered = [...sizes].sort((a, b) => b[1] - a[1]).map(([family]) => family);
  return { kept: ordered.slice(0, most), more: Math.max(0, ordered.length - most) };
}

export function histogramChart(rows: readonly AnatomyRow[]): Planned {
  const name = 'histogram';
  const title = 'Sizes of the values';
  const counted = rows.filter(({ exponentCounts }) => exponentCounts.length > 0);
  if (counted.length === 0) return { name, title, reason: 'no value is finite and not zero' };
  const { kept, more } = largestFamilies(counted, null, MOST_ROWS);
  const short = shortened(kept);
  const names = kept.map(short);
  const all = sharesOf(counted).map(({ exponent, share }) => ({ exponent, share }));
  const values = kept.flatMap((family) =>
    sharesOf(counted.filter((row) => familyOf(row.name) === family)).map((bin) => ({
      ...bin,
      family: short(family),
    })),
  );
  return histogram({ name, title }, { all, values, names, more });
}

interface Bin {
  readonly exponent: number;
  /** Of the values of the family that are finite and not zero. */
  readonly share: number;
}

function sharesOf(rows: readonly AnatomyRow[]): Bin[] {
  const counts = new Map<number, number>();
  let total = 0;
  for (const { firstExponent, exponentCounts } of rows) {
    for (const [i, count] of exponentCounts.entries()) {
      if (count === 0) continue;
      counts.set(firstExponent + i, (counts.get(firstExponent + i) ?? 0) + count);
      total += count;
    }
  }
  return [...counts]
    .sort(([a], [b]) => a - b)
    .map(([exponent, count]) => ({ exponent, share: count / total }));
}

interface Histogram {
  readonly all: readonly Bin[];
  readonly values: readonly (Bin & { family: string })[];
  readonly names: readonly string[];
  readonly more: number;
}

function histogram(
  of: { name: string; title: string },
  { all, values, names, more }: Histogram,
): Chart {
  const ends = { min: all[0]!.exponent, max: all.at(-1)!.exponent };
  const exponents = Array.from({ length: ends.max - ends.min + 1 }, (_, i) => ends.min + i);
  // A label for every second or fourth power: they stand side by side.
  const step = Math.max(1, Math.ceil(exponents.length / 24));
  const x = {
    ...{ field: 'exponent', type: 'ordinal', scale: { domain: exponents, paddingInner: 0.06 } },
    title: 'Size |x|: from 2 to the power of …',
    axis: { labelAngle: 0, values: exponents.filter((exponent) => exponent % step === 0) },
  };
  const width = Math.max(300, Math.min(620, exponents.length * 16));
  const share = { type: 'quantitative', axis: { format: '%' } };
  return chart(
    {
      ...of,
      alt: 'Shares of the values by the power of two of their size, for each kind of tensor',
      notes: [
        'Shares of what is finite and not zero, in bins of a power of two',
        more > 0
          ? `The ${names.length} kinds with most values; ${more} more are in the record`
          : null,
      ],
    },
    {
      vconcat: [
        {
          ...{ width, height: 110, data: { values: all as never } },
          mark: { type: 'bar', color: '#0072b2' },
          encoding: { x, y: { field: 'share', ...share, title: 'All values' } },
        },
        {
          ...{ width, height: names.length * 17, data: { values: values as never } },
          mark: { type: 'rect' },
          encoding: {
            x,
            y: {
              field: 'family',
              type: 'nominal',
              sort: [...names],
              title: null,
              axis: { labelLimit: 420 },
            },
            color: {
              ...{ field: 'share', type: 'quantitative', title: 'Share' },
              scale: { type: 'sqrt', scheme: 'blues', domainMin: 0 },
              legend: { format: '%' },
            },
          },
        },
      ],
    },
  );
}
