/** Tensors that come once a layer, side by side: what is unlike its neighbours shows there. */
import type { TensorStatistics } from './tensor-statistics.ts';

export interface Examined {
  readonly name: string;
  readonly shape: readonly number[];
  /** In the one vocabulary where it has a word. */
  readonly scheme: string;
  readonly statistics: TensorStatistics;
}

export interface DepthSeries {
  /** Name with `*` for the number of the layer: `model.layers.*.mlp.up_proj.weight`. */
  readonly pattern: string;
  /** By layer, those with a std above zero. */
  readonly points: readonly {
    readonly layer: number;
    readonly name: string;
    readonly std: number;
  }[];
  readonly medianStd: number;
  /** Factor by which std grows from layer to layer: exp of the slope of ln std (least squares). */
  readonly growth: number;
}

/** A median of fewer layers is no measure for the others. */
const LEAST_LAYERS = 4;

/** The first number between dots is the layer, as in all checkpoints of transformers. */
export function layerOf(name: string): { pattern: string; layer: number } | null {
  const match = /(^|\.)(\d+)(?=\.)/.exec(name);
  if (match === null) return null;
  const at = match.index + match[1]!.length;
  const digits = match[2]!;
  return {
    pattern: `${name.slice(0, at)}*${name.slice(at + digits.length)}`,
    layer: Number(digits),
  };
}

/** Series of at least four layers, in order of their first tensor. */
export function depthSeries(tensors: readonly Examined[]): DepthSeries[] {
  const families = new Map<string, { layer: number; name: string; std: number }[]>();
  for (const { name, statistics } of tensors) {
    const place = layerOf(name);
    const { std } = statistics;
    if (place === null || std === null || std === 0) continue;
    const points = families.get(place.pattern);
    const point = { layer: place.layer, name, std };
    if (points === undefined) families.set(place.pattern, [point]);
    else points.push(point);
  }
  return [...families]
    .filter(([, points]) => points.length >= LEAST_LAYERS)
    .map(([pattern, points]) => {
      points.sort((a, b) => a.layer - b.layer);
      const medianStd = points.map(({ std }) => std).toSorted((a, b) => a - b)[points.length >> 1]!;
      return { pattern, points, medianStd, growth: Math.exp(slope(points)) };
    });
}

function slope(points: readonly { layer: number; std: number }[]): number {
  const n = points.length;
  const meanX = points.reduce((sum, { layer }) => sum + layer, 0) / n;
  const meanY = points.reduce((sum, { std }) => sum + Math.log(std), 0) / n;
  let xy = 0;
  let xx = 0;
  for (const { layer, std } of points) {
    xy += (layer - meanX) * (Math.log(std) - meanY);
    xx += (layer - meanX) ** 2;
  }
  return xx === 0 ? 0 : xy / xx;
}
