/** How every worker opens its engine, and what it records about it. */
import { performance } from 'node:perf_hooks';
import type { Engine } from '../engine/engine.ts';
import { openEngine } from '../engine/open.ts';
import type { TensorRow } from '../record/rows.ts';
import type { Cell } from './cell.ts';

/** The caller closes the engine. */
export async function loadEngine(
  cell: Cell,
  options: { builtinDir: string; batchTokens: number },
): Promise<{ engine: Engine; loadMs: number }> {
  const { threads, ...settings } = cell.engine;
  const start = performance.now();
  const engine = await openEngine({
    ...settings,
    ...options,
    ...(threads === null ? {} : { threads }),
    env: process.env,
    identity: cell.identity,
  });
  return { engine, loadMs: performance.now() - start };
}

export function tensorRows(engine: Engine): TensorRow[] {
  return engine.coverage.map((tensor) => ({ kind: 'tensor', ...tensor, shape: [...tensor.shape] }));
}
