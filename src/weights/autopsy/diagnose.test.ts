import { describe, expect, it } from 'vitest';
import { depthSeries, type Examined, layerOf } from './depth.ts';
import { diagnose } from './diagnose.ts';
import { TensorScan } from './tensor-scan.ts';

function examine(name: string, shape: readonly number[], values: Float32Array): Examined {
  const scan = new TensorScan(shape);
  scan.add(values);
  return { name, shape, scheme: 'f32', statistics: scan.finish() };
}

/** Something that looks like weights: no zeros, std about `size`. */
const weights = (rows: number, cols: number, size: number): Float32Array =>
  Float32Array.from({ length: rows * cols }, (_, i) => size * Math.sin(i + 1) * Math.SQRT2);

const codes = (tensors: readonly Examined[]) =>
  diagnose(tensors).diagnoses.map(({ code, tensor, row }) => [code, tensor, row]);

describe('a diagnosis', () => {
  it('is not made of what looks like weights', () => {
    expect(codes([examine('a', [16, 32], weights(16, 32, 0.02))])).toEqual([]);
    expect(codes([examine('norm.weight', [32], new Float32Array(32).fill(1))])).toEqual([]);
    expect(codes([examine('bias', [32], new Float32Array(32))])).toEqual([]);
  });

  it('names tensor, row, value and threshold', () => {
    const values = weights(16, 32, 0.02);
    values[5 * 32 + 1] = Number.NEGATIVE_INFINITY;
    values[7 * 32 + 1] = Number.NaN;
    values.fill(0, 9 * 32, 11 * 32);
    values[12 * 32 + 3] = 70_000;
    const { diagnoses } = diagnose([examine('w', [16, 32], values)]);
    expect(diagnoses).toMatchObject([
      { code: 'not-finite', severity: 'error', tensor: 'w', row: 5, value: 2, threshold: 0 },
      { code: 'exploded', row: 12, value: 70_000, threshold: 10_000 },
      { code: 'dead-rows', row: 9, value: 2 },
      { code: 'outlier-channels', severity: 'info', threshold: 8 },
    ]);
    expect(diagnoses[3]?.message).toContain('input channels 3:');
  });

  it('tells a constant matrix from a sparse one', () => {
    expect(codes([examine('w', [4, 4], new Float32Array(16).fill(2))])).toEqual([
      ['flatlined', 'w', null],
    ]);
    const sparse = new Float32Array(16).fill(0);
    for (const i of [0, 5, 9, 13]) sparse[i] = i + 1;
    expect(codes([examine('w', [4, 4], sparse)])).toEqual([['mostly-zero', 'w', null]]);
  });

  it('compares a tensor with its like in other layers', () => {
    const layers = [1, 1, 20, 1, 0.05, 1].map((size, layer) =>
      examine(`model.layers.${layer}.mlp.up_proj.weight`, [16, 32], weights(16, 32, size * 0.02)),
    );
    expect(codes(layers)).toEqual([
      ['exploded', 'model.layers.2.mlp.up_proj.weight', null],
      ['flatlined', 'model.layers.4.mlp.up_proj.weight', null],
    ]);
    expect(codes(layers.slice(0, 3))).toEqual([]);
  });
});

describe('depth', () => {
  it('is the first number between dots', () => {
    expect(layerOf('model.layers.12.mlp.experts.3.up.weight')).toEqual({
      pattern: 'model.layers.*.mlp.experts.3.up.weight',
      layer: 12,
    });
    expect(layerOf('h.0.attn.weight')).toEqual({ pattern: 'h.*.attn.weight', layer: 0 });
    expect(layerOf('lm_head.weight')).toBeNull();
    expect(layerOf('fc1.weight')).toBeNull();
  });

  it('gives the factor from layer to layer', () => {
    const layers = [0, 1, 2, 3].map((layer) =>
      examine(`h.${layer}.w`, [8, 32], weights(8, 32, 1.5 ** layer)),
    );
    const [series] = depthSeries(layers);
    expect(series?.points.map(({ layer }) => layer)).toEqual([0, 1, 2, 3]);
    expect(series?.growth).toBeCloseTo(1.5, 6);
  });
});
