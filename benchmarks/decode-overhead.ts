/**
 * What our loop adds to a decode step: the time between two tokens that is not spent inside the
 * runtime's `run` (building inputs, reading outputs, choosing the token, keeping the books).
 * 136 M parameters, batch 1, greedy.
 * Usage: npm run build && npx tsx benchmarks/decode-overhead.ts [--threads N]
 */
import { performance } from 'node:perf_hooks';
import { parseArgs } from 'node:util';
import { quantile } from '../src/analyze/describe.ts';
import { loadRuntime, physicalCores } from '../src/engine/embedded/runtime.ts';
import type { Engine } from '../src/engine/engine.ts';
import { dummyConfig, openDummy, promptOf } from './dummy-model.ts';
import { printMachine, watchOthers } from './machine.ts';

const SCHEMES = ['f32', 'int8-g128', 'int4-g128'];
const ROUNDS = 10;
const NEW_TOKENS = 65;

interface Step {
  readonly totalMs: number;
  readonly outsideMs: number;
}

/** Time inside the runtime since the last call of `take`. */
async function watchRuntime(): Promise<{ take(): number }> {
  const { InferenceSession } = await loadRuntime();
  const { prototype } = InferenceSession as unknown as {
    prototype: { run(...args: unknown[]): Promise<unknown> };
  };
  const { run } = prototype;
  let inside = 0;
  prototype.run = async function watched(this: unknown, ...args: unknown[]) {
    const start = performance.now();
    const result = await run.apply(this, args);
    inside += performance.now() - start;
    return result;
  };
  return {
    take() {
      const taken = inside;
      inside = 0;
      return taken;
    },
  };
}

/** The decode steps of one generation; its prefill is left out. */
async function decodeSteps(engine: Engine, runtime: { take(): number }): Promise<Step[]> {
  const steps: Step[] = [];
  const request = { ids: promptOf(1, 32), maxNewTokens: NEW_TOKENS, stopIds: [] };
  let last = 0;
  const onToken = ({ index }: { index: number }): void => {
    const now = performance.now();
    const inside = runtime.take();
    if (index > 0) steps.push({ totalMs: now - last, outsideMs: now - last - inside });
    last = now;
  };
  await engine.generate([request], onToken, new AbortController().signal);
  return steps;
}

function print(scheme: string, steps: readonly Step[]): void {
  const sorted = (of: (step: Step) => number): number[] => steps.map(of).sort((a, b) => a - b);
  const [total, outside, share] = [
    sorted((step) => step.totalMs),
    sorted((step) => 1000 * step.outsideMs),
    sorted((step) => (100 * step.outsideMs) / step.totalMs),
  ];
  const sum = (values: readonly number[]): number => values.reduce((all, value) => all + value, 0);
  console.log(
    `${scheme.padEnd(10)} n = ${steps.length} steps: ` +
      `median ${quantile(total, 0.5).toFixed(2)} ms; ` +
      `outside the runtime: median ${quantile(outside, 0.5).toFixed(0)} µs, ` +
      `p95 ${quantile(outside, 0.95).toFixed(0)} µs; ` +
      `share: median ${quantile(share, 0.5).toFixed(2)} %, ` +
      `of all time ${(sum(outside) / sum(total) / 10).toFixed(2)} %`,
  );
}

const { values } = parseArgs({
  options: { threads: { type: 'string', default: String(physicalCores()) } },
});
const runtime = await watchRuntime();
const config = dummyConfig();
try {
  printMachine();
  const engines: Engine[] = [];
  for (const scheme of SCHEMES) {
    engines.push(await openDummy({ path: config.path, scheme, threads: Number(values.threads) }));
  }
  const steps = SCHEMES.map((): Step[] => []);
  for (const engine of engines) await decodeSteps(engine, runtime);
  const othersShare = watchOthers();
  for (let round = 0; round < ROUNDS; round++) {
    for (const [i, engine] of engines.entries()) {
      steps[i]!.push(...(await decodeSteps(engine, runtime)));
    }
  }
  console.log(`others took ${(100 * othersShare()).toFixed(1)} % of the CPU time`);
  for (const [i, scheme] of SCHEMES.entries()) print(scheme, steps[i]!);
  for (const engine of engines) await engine.close();
} finally {
  config.remove();
}
