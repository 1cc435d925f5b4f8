/** How every worker opens its engine, and what it records about it. */
import { performance } from 'node:perf_hooks';
import type { Engine } from '../engine/engine.ts';
import { openEngine } from '../engine/open.ts';
import { sha256File } from '../record/canonical.ts';
import { FormatError } from '../record/errors.ts';
import type { TensorRow } from '../record/rows.ts';
import { STORED } from '../weights/scheme.ts';
import type { Cell, MeasureSettings } from './cell.ts';

/** The caller closes the engine. Throws FormatError when the cell's data was changed. */
export async function loadEngine(
  cell: Cell,
  options: { builtinDir: string; batchTokens: number; routing?: boolean },
): Promise<{ engine: Engine; loadMs: number }> {
  await checkData(cell);
  const { threads, weights: _, ...planned } = cell.engine;
  const { checkpoint } = cell;
  // Only the checkpoint says how it is stored; what is recorded is what ran.
  const settings = checkpoint
    ? { ...planned, model: checkpoint.dir, scheme: STORED.text, ignore: [] }
    : planned;
  const start = performance.now();
  const engine = await openEngine({
    ...settings,
    ...options,
    ...(threads === null ? {} : { threads }),
    env: process.env,
    identity: checkpoint?.identity ?? cell.identity,
  });
  return { engine, loadMs: performance.now() - start };
}

/** A matrix takes hours: a file that was edited meanwhile is not what the record says it is. */
async function checkData({ measure, dataSha256 }: Cell): Promise<void> {
  const path = dataPathOf(measure);
  if (path === undefined || (await sha256File(path)) === dataSha256) return;
  throw new FormatError(`${path}: changed since this run was planned`, {
    hint: 'run the experiment again: it is then measured with the file as it is now',
    details: { path, expected: dataSha256 },
  });
}

function dataPathOf(measure: MeasureSettings): string | undefined {
  if (measure.kind === 'eval') return measure.corpusPath;
  return measure.kind === 'task' ? measure.filePath : measure.promptsPath;
}

export function tensorRows(engine: Engine): TensorRow[] {
  return engine.coverage.map((tensor) => ({ kind: 'tensor', ...tensor, shape: [...tensor.shape] }));
}
