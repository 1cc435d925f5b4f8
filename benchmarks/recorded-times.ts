/** The parts of a run's time, from its own record. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { quantile } from '../src/analyze/describe.ts';
import { readSamples } from '../src/record/sample-reader.ts';
import { manifestSchema } from '../src/record/schema.ts';

interface Parts {
  readonly total: number;
  readonly load: number;
  readonly score: number;
}

function partsOf(dir: string): Parts {
  const manifest = manifestSchema.parse(
    JSON.parse(readFileSync(join(dir, 'manifest.json'), 'utf8')),
  );
  const { rows } = readSamples(join(dir, 'samples.jsonl'));
  let load = 0;
  let score = 0;
  for (const row of rows) {
    if (row.kind === 'load') load += row.loadMs;
    if (row.kind === 'batch') score += row.ms;
  }
  return { total: manifest.elapsedMs ?? Number.NaN, load, score };
}

export function describeBatches(dirs: readonly string[]): void {
  const parts = dirs.map(partsOf);
  const line = (name: string, of: (part: Parts) => number, unit: string): void => {
    const values = parts.map(of).sort((a, b) => a - b);
    const [low, mid, high] = [0, 0.5, 1].map((q) =>
      quantile(values, q).toFixed(unit === '%' ? 1 : 0),
    );
    console.log(`  ${name.padEnd(34)} median ${mid} ${unit} (min ${low}, max ${high})`);
  };
  line('run, opened to closed', (p) => p.total, 'ms');
  line('engine: loading', (p) => p.load, 'ms');
  line('engine: scoring', (p) => p.score, 'ms');
  line('outside the engine', (p) => p.total - p.load - p.score, 'ms');
  line(
    'outside the engine, share of run',
    (p) => (100 * (p.total - p.load - p.score)) / p.total,
    '%',
  );
}
