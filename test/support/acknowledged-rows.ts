/** What the attempts at an experiment have acknowledged so far, read from their files alone. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { completeBatches } from '../../src/experiment/resume.ts';
import type { Lab } from '../../src/record/lab.ts';
import { listRuns } from '../../src/record/run-reader.ts';
import { readSamples } from '../../src/record/sample-reader.ts';

/** Rows of complete batches of all attempts, each as its JSON text. Throws for a corrupt row. */
export function acknowledgedRows(lab: Lab): Set<string> {
  const rows = new Set<string>();
  for (const { dir } of listRuns(lab)) {
    const path = join(dir, 'samples.jsonl');
    if (!existsSync(path)) continue;
    const read = readSamples(path);
    if (read.corrupt.length > 0) throw new Error(`${path}: ${JSON.stringify(read.corrupt)}`);
    for (const row of completeBatches(read.rows).rows) rows.add(JSON.stringify(row));
  }
  return rows;
}
