/**
 * What each chart of a report costs once the libraries are warm: specification to SVG, SVG to PNG.
 * Usage: npm run build && npx tsx benchmarks/chart-time.ts CHARTS_FOLDER [--times N]
 * (the `charts/` folder of any report; `assay demo` makes one)
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { parseArgs } from 'node:util';
import { quantile } from '../src/analyze/describe.ts';
import { drawPng, drawSvg } from '../src/report/charts/draw.ts';
import { printMachine, watchOthers } from './machine.ts';

const { values, positionals } = parseArgs({
  options: { times: { type: 'string', default: '15' } },
  allowPositionals: true,
});
const [folder] = positionals;
if (folder === undefined) throw new Error('which charts/ folder?');
const times = Number(values.times);
const names = readdirSync(folder).filter((name) => name.endsWith('.vl.json'));
const specs = names.map((name) => ({
  name: name.replace('.vl.json', ''),
  spec: JSON.parse(readFileSync(join(folder, name), 'utf8')) as Record<string, unknown>,
}));

async function timed<T>(work: () => Promise<T>): Promise<{ ms: number; result: T }> {
  const start = performance.now();
  const result = await work();
  return { ms: performance.now() - start, result };
}

printMachine();
for (const { spec } of specs) await drawPng(await drawSvg(spec));
const othersShare = watchOthers();
const took = new Map(specs.map(({ name }) => [name, { svg: [] as number[], png: [] as number[] }]));
for (let round = 0; round < times; round++) {
  for (const { name, spec } of specs) {
    const svg = await timed(() => drawSvg(spec));
    took.get(name)?.svg.push(svg.ms);
    took.get(name)?.png.push((await timed(() => drawPng(svg.result))).ms);
  }
}
const at = (all: readonly number[], q: number): string =>
  quantile(
    all.toSorted((a, b) => a - b),
    q,
  ).toFixed(1);
console.log(`n = ${times} each; others took ${(100 * othersShare()).toFixed(1)} % of the CPU time`);
for (const [name, { svg, png }] of took) {
  const range = `${at(svg, 0)} … ${at(svg, 1)}`;
  console.log(`${name}: SVG median ${at(svg, 0.5)} ms (${range}), PNG median ${at(png, 0.5)} ms`);
}
