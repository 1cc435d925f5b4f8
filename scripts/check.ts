/**
 * Everything that must hold before a commit, in under two minutes: `npm run check`.
 * `--skip NAME` leaves a step out, as often as wanted.
 */
import { delimiter, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { runSteps, type Step } from './steps.ts';

const STEPS: readonly Step[] = [
  { name: 'types', command: 'tsc', args: ['--noEmit', '-p', 'tsconfig.json'] },
  { name: 'style', command: 'biome', args: ['ci', '--error-on-warnings', '--colors=off'] },
  { name: 'layers', command: 'tsx', args: ['scripts/check-layers.ts'] },
  { name: 'tidy', command: 'tsx', args: ['scripts/tidy.ts'] },
  { name: 'lock', command: 'tsx', args: ['scripts/check-lock.ts'] },
  { name: 'unused', command: 'knip', args: ['--no-progress'] },
  { name: 'build', command: 'npm', args: ['run', '--silent', 'build'] },
  // publint reads the package as npm would pack it, so the build must be there.
  { name: 'package', command: 'publint', args: ['--strict'], needs: ['build'] },
  {
    name: 'unit',
    command: 'vitest',
    args: ['run', 'src', 'scripts', 'test/architecture'],
  },
];

const { values } = parseArgs({ options: { skip: { type: 'string', multiple: true } } });
const skip = values.skip ?? [];
const unknown = skip.filter((name) => !STEPS.some((step) => step.name === name));
if (unknown.length > 0) {
  console.error(`check: no step ${unknown.join(', ')}; ${STEPS.map((s) => s.name).join(', ')}`);
  process.exit(2);
}

const root = resolve(import.meta.dirname, '..');
const tools = join(root, 'node_modules', '.bin');
const path = `${tools}${delimiter}${process.env.PATH ?? ''}`;
const start = performance.now();
const outcomes = await runSteps({
  steps: STEPS.filter(({ name }) => !skip.includes(name)),
  atOnce: 2,
  cwd: root,
  env: { ...process.env, PATH: path, NO_COLOR: '1' },
  print: console.log,
  now: () => performance.now(),
});
const bad = [...outcomes].filter(([, outcome]) => outcome !== 'passed').map(([name]) => name);
const seconds = ((performance.now() - start) / 1000).toFixed(1);
console.log(bad.length === 0 ? `check passed in ${seconds} s` : `check failed: ${bad.join(', ')}`);
process.exitCode = bad.length === 0 ? 0 : 1;
