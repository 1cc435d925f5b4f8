/** `audit` and `moe analyze` tell a server's own rows by one rule, layer by layer. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { readRoutes } from '../../src/evidence/audit/route-trace.ts';
import { analyzeTrace } from '../../src/routing/analyze-trace.ts';
import { metaLine, routeLines, type TraceShape } from '../support/route-lines.ts';

const SHAPE: TraceShape = {
  ...{ requests: 6, tokens: 80, layers: [0, 1, 2], experts: 60, topK: 4 },
  meta: { num_experts: 60 },
};

/** So many equal rows in front, their layers taking turns. */
function withWarmUp(rows: number): string[] {
  const lines = routeLines(SHAPE);
  const warm = Array.from({ length: rows }, (_, token) =>
    SHAPE.layers.map((layer) => {
      const route = { type: 'route', req_id: 'w', token_idx: token, layer };
      return JSON.stringify({
        ...route,
        topk_ids: [1, 2, 3, 59],
        topk_weights: [0.4, 0.3, 0.2, 0.1],
      });
    }),
  );
  return [metaLine(SHAPE), ...warm.flat(), ...lines];
}

it.each([0, 5, 20, 40, 300])('%i equal rows a layer', async (rows) => {
  const dir = mkdtempSync(join(tmpdir(), 'assay-dummies-'));
  try {
    const lines = withWarmUp(rows);
    const path = join(dir, 'trace.jsonl');
    writeFileSync(path, `${lines.join('\n')}\n`);
    const { layers, dummyRoutes } = await analyzeTrace(path);
    const seen = readRoutes(lines);
    expect(seen?.dummies).toBe(dummyRoutes);
    const runs = layers.flatMap(({ dummies }) => dummies.map((run) => run.rows));
    expect(seen?.runs).toEqual(runs.toSorted((a, b) => b - a));
    expect(dummyRoutes).toBe(rows < 20 ? 0 : 3 * rows);
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
});
