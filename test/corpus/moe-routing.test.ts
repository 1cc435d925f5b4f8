/** The trace and timing of seed 002: what other programs computed from the same files. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { assayHere } from '../support/in-process.ts';

const dir = join(import.meta.dirname, '../../../shared/corpus/moe-routing');
const present = existsSync(dir);
if (!present) console.log(`skipped: no corpus at ${dir}`);

describe.skipIf(!present)('seed 002', () => {
  it('analyze: dummies, entropies, the experts used most', async () => {
    const { code, stdout } = await assayHere(['moe', 'analyze', 'moe_routes.jsonl', '--json'], dir);
    expect(code).toBe(0);
    const found = JSON.parse(stdout);
    expect(found).toMatchObject({ routes: 21_024, dummyRoutes: 16_640, experts: 60 });
    const [layer] = found.layers;
    expect(layer).toMatchObject({ layer: 0, routes: 4384, experts: 60, topK: 4, unused: 0 });
    expect(layer.entropyBits).toBeCloseTo(5.8843, 4);
    expect(layer.entropyNats).toBeCloseTo(5.8843 * Math.LN2, 4);
    expect(layer.entropyNormalized).toBeCloseTo(0.996, 3);
    expect(layer.raw.entropyBits).toBeCloseTo(3.4456, 4);
    expect(layer.raw.entropyNats).toBeCloseTo(2.3883, 4);
    expect(layer.dummies).toMatchObject([{ rows: 16_640, segments: [8192, 8192, 256] }]);
    const top = layer.top.slice(0, 3).map(({ expert, count }: never) => [expert, count]);
    expect(top).toEqual([
      [42, 417],
      [12, 381],
      [10, 372],
    ]);
    expect(layer.top[0].share).toBeCloseTo(417 / (4384 * 4), 12);
    expect(found.weights.lowSum).toBeCloseTo(0.0886, 4);
    expect(found.weights.highSum).toBeCloseTo(0.7872, 4);
    expect(found.requests).toMatchObject({ ids: 1, evidenced: false });
    expect(layer.switchRate).toBeNull();
  });

  it('validate: whole; what the ids leave open is said', async () => {
    const { code, stdout } = await assayHere(
      ['moe', 'validate', 'moe_routes.jsonl', '--json'],
      dir,
    );
    expect(code).toBe(0);
    const found = JSON.parse(stdout);
    expect(found).toMatchObject({ valid: true, routes: 21_024, dummyRoutes: 16_640 });
    expect(found.notEvidenced[0]).toMatch(/one request id, "r1"/);
  });

  it('timing: 0.88 % by rate, 0.00 % by a rounded time, two numbers of tokens', async () => {
    const { code, stdout } = await assayHere(['moe', 'analyze', 'timing.json', '--no-report'], dir);
    expect(code).toBe(0);
    expect(stdout).toMatch(/0\.88 % by tokens\/s/);
    expect(stdout).toMatch(/0\.00 % by wall time; its rounding allows \[-0\.35, 0\.35\] %/);
    expect(stdout).toMatch(/refuted: not deterministic: no_log made 2955 tokens and log 2930/);
  });
});
