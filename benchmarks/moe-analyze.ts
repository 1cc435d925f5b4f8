/**
 * `assay moe analyze` and `validate` over 2,000,000 routes (JSON lines and Parquet) beside what one
 * would write in an afternoon: a Python script (json, Counter) and a Node loop (readline,
 * JSON.parse) that count experts and nothing else. Whole processes, in turn, A B C … A B C …
 * Usage: npm run build && npx tsx benchmarks/moe-analyze.ts [routes]
 */
import { spawn } from 'node:child_process';
import {
  closeSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { quantile } from '../src/analyze/describe.ts';
import { sfc32 } from '../src/analyze/random.ts';
import { writeParquet } from '../src/routing/write-parquet.ts';
import { printMachine, watchOthers } from './machine.ts';

const ROUTES = Number(process.argv[2] ?? 2_000_000);
const ROUNDS = 7;
const EXPERTS = 60;
const TOP_K = 4;
const REQUESTS = 500;

const PYTHON = `import json, sys
from collections import Counter
counts = Counter()
for line in open(sys.argv[1]):
    row = json.loads(line)
    if row["type"] == "route":
        counts.update(row["topk_ids"])
print(sum(counts.values()))
`;
/** The same checks as `validate` makes, as far as a script would go. */
const PYTHON_CHECK = `import json, math, sys
last = {}
bad = rows = 0
for number, line in enumerate(open(sys.argv[1])):
    row = json.loads(line)
    if row["type"] != "route":
        continue
    rows += 1
    ids, weights = row["topk_ids"], row["topk_weights"]
    ok = len(ids) == 4 and len(weights) == 4 and len(set(ids)) == 4
    ok = ok and all(isinstance(i, int) and 0 <= i < 60 for i in ids)
    ok = ok and all(math.isfinite(w) and w >= 0 for w in weights)
    key = (row["req_id"], row["layer"])
    ok = ok and row["token_idx"] > last.get(key, -1)
    last[key] = row["token_idx"]
    if not ok:
        bad += 1
print(rows, bad)
`;
const NODE = `import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
const counts = new Map();
for await (const line of createInterface({ input: createReadStream(process.argv[2]) })) {
  const row = JSON.parse(line);
  if (row.type !== 'route') continue;
  for (const id of row.topk_ids) counts.set(id, (counts.get(id) ?? 0) + 1);
}
console.log([...counts.values()].reduce((a, b) => a + b, 0));
`;

/** Eight requests at a time, one layer; weights with seven digits, so that a line has 128 bytes. */
function fill(path: string): void {
  const random = sfc32(7);
  const unit = (): number => random() / 2 ** 32;
  const file = openSync(path, 'w');
  const meta = {
    ...{ type: 'meta', model_id: 'made/up', vllm_version: '0.15.1', torch_version: '2.9.1' },
    ...{ device: 'cpu', seed: 7, layers_logged: [0], top_k: TOP_K, num_experts: EXPERTS },
  };
  writeSync(file, `${JSON.stringify(meta)}\n`);
  const each = ROUTES / REQUESTS;
  let text = '';
  for (let i = 0; i < ROUTES; i++) {
    const request = (i % 8) + 8 * Math.floor(i / (8 * each));
    const ids = new Set<number>();
    while (ids.size < TOP_K) ids.add(Math.floor(unit() ** 1.5 * EXPERTS));
    const weights = Array.from(ids, () => (unit() / 8).toFixed(7))
      .sort()
      .reverse();
    text +=
      `{"type":"route","req_id":"r${request}","token_idx":${Math.floor(i / 8) % each},"layer":0,` +
      `"topk_ids":[${[...ids]}],"topk_weights":[${weights.map(Number)}]}\n`;
    if (text.length > 1 << 20) {
      writeSync(file, text);
      text = '';
    }
  }
  writeSync(file, text);
  closeSync(file);
}

interface Case {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
}

interface Took {
  readonly seconds: number;
  readonly peakMib: number;
}

/** Resident memory is looked at every few milliseconds: the kernel keeps its peak. */
function run({ command, args }: Case): Promise<Took> {
  return new Promise((resolve, reject) => {
    const start = performance.now();
    const child = spawn(command, [...args], { stdio: ['ignore', 'ignore', 'inherit'] });
    let peakMib = 0;
    const look = setInterval(() => {
      try {
        const status = readFileSync(`/proc/${child.pid}/status`, 'utf8');
        peakMib = Number(/VmHWM:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1024 || peakMib;
      } catch {
        // It has ended.
      }
    }, 5);
    child.on('error', reject);
    child.on('close', (code) => {
      clearInterval(look);
      if (code === 0) resolve({ seconds: (performance.now() - start) / 1000, peakMib });
      else reject(new Error(`${command} ${args.join(' ')} exited with ${code}`));
    });
  });
}

const median = (values: readonly number[]): number =>
  quantile(
    values.toSorted((a, b) => a - b),
    0.5,
  );
const spread = (values: readonly number[], digits: number): string =>
  `${median(values).toFixed(digits)} (${Math.min(...values).toFixed(digits)} … ` +
  `${Math.max(...values).toFixed(digits)})`;

const dir = mkdtempSync(join(tmpdir(), 'assay-moe-'));
process.on('exit', () => rmSync(dir, { recursive: true, force: true }));
const at = (name: string): string => join(dir, name);
fill(at('trace.jsonl'));
await writeParquet(at('trace.jsonl'), at('trace.parquet'));
writeFileSync(at('count.py'), PYTHON);
writeFileSync(at('check.py'), PYTHON_CHECK);
writeFileSync(at('count.mjs'), NODE);

const assay = (...args: string[]) => ({
  command: process.execPath,
  args: ['dist/cli/entry.js', 'moe', ...args, '--json'],
});
const cases: Case[] = [
  { name: 'Python, counting', command: 'python3', args: [at('count.py'), at('trace.jsonl')] },
  { name: 'Python, checking', command: 'python3', args: [at('check.py'), at('trace.jsonl')] },
  { name: 'Node, counting', command: process.execPath, args: [at('count.mjs'), at('trace.jsonl')] },
  { name: 'analyze, JSON lines', ...assay('analyze', at('trace.jsonl')) },
  { name: 'analyze, Parquet', ...assay('analyze', at('trace.parquet')) },
  { name: 'validate, JSON lines', ...assay('validate', at('trace.jsonl')) },
];

printMachine();
const [megabytes, packed] = ['trace.jsonl', 'trace.parquet'].map(
  (name) => statSync(at(name)).size / 1e6,
);
console.log(
  `${ROUTES} routes: ${megabytes?.toFixed(0)} MB of JSON lines, ` +
    `${packed?.toFixed(0)} MB of Parquet; n = ${ROUNDS}`,
);
const others = watchOthers();
const took = cases.map((): Took[] => []);
for (let round = 0; round <= ROUNDS; round++) {
  for (const [i, each] of cases.entries()) {
    const one = await run(each);
    // The first round warms the page cache.
    if (round > 0) took[i]?.push(one);
  }
}
const secondsOf = (name: string): number[] => {
  const i = cases.findIndex((each) => each.name === name);
  return (took[i] as Took[]).map(({ seconds }) => seconds);
};
for (const [i, { name }] of cases.entries()) {
  const peak = Math.max(...(took[i] as Took[]).map(({ peakMib }) => peakMib));
  console.log(`${name.padEnd(22)} ${spread(secondsOf(name), 2)} s, peak ${peak.toFixed(0)} MiB`);
}
for (const [fast, slow, goal] of [
  ['analyze, JSON lines', 'Python, counting', 10],
  ['analyze, JSON lines', 'Node, counting', 4],
  ['analyze, Parquet', 'Node, counting', 20],
  ['validate, JSON lines', 'Python, checking', 3],
] as const) {
  const [a, b] = [secondsOf(fast), secondsOf(slow)];
  const ratios = a.map((seconds, round) => (b[round] as number) / seconds);
  console.log(`${fast} is ${spread(ratios, 1)} times as fast as ${slow} (goal ${goal})`);
}
console.log(`others took ${(100 * others()).toFixed(1)} % of the CPU time`);
