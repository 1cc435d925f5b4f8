/** `assay demo`: the quickstart experiment that ships with the package. */
import { join } from 'node:path';
import { findLab } from '../../record/lab.ts';
import { type CommandIo, writeLine } from '../io.ts';
import { packageRoot } from '../package.ts';
import { load, runPlan } from './run.ts';

export async function run(
  options: { fresh?: boolean; charts?: boolean; json?: boolean },
  io: CommandIo,
): Promise<number> {
  const path = join(packageRoot(), 'examples', 'quickstart.yaml');
  writeLine(io.stderr, 'Quickstart: one small model at five precisions; what does each lose?');
  const plan = await load(path, 'examples/quickstart.yaml', io);
  return runPlan(plan, findLab(io.cwd), { ...options, again: 'assay demo' }, io);
}
