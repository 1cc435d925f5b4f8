/**
 * `assay logs index` against `sha256sum` over the same warm files, in turn, A B A B …; the speed of
 * the scanner alone; memory over one file of 10 GB; 10,000 small files; and an index of which
 * nothing has changed. The logs are made here, in the shapes of the programs.
 * Usage: npm run build && npx tsx benchmarks/logs-index.ts [MB]
 */
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  truncateSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { quantile } from '../src/analyze/describe.ts';
import { DIALECTS } from '../src/logs/dialects.ts';
import { LineScanner } from '../src/logs/line-scanner.ts';
import { buildAutomaton } from '../src/logs/needles.ts';
import { FileScanner } from '../src/logs/scan-file.ts';
import { printMachine, watchOthers } from './machine.ts';

const MEGABYTES = Number(process.argv[2] ?? 300);
const ROUNDS = 7;
const SMALL_FILES = 10_000;
const OLD = new Date('2025-01-01T00:00:00Z');

/** Lines of each kind, numbered so that no two are the same. */
const KINDS: Readonly<Record<string, (i: number) => string>> = {
  'server.log': (i) =>
    i % 3 === 0
      ? `(APIServer pid=77) INFO 12-18 03:${two(i)}:${two(i * 7)} [loggers.py:127] Engine 000: ` +
        `Avg prompt throughput: ${i % 4000}.4 tokens/s, ` +
        `Avg generation throughput: 229.2 tokens/s, Running: ${i % 23} reqs, ` +
        'Waiting: 11 reqs, GPU KV cache usage: 97.2%, Prefix cache hit rate: 0.4%\n'
      : `(APIServer pid=77) INFO:     127.0.0.1:${i % 60_000} - ` +
        '"POST /v1/chat/completions HTTP/1.1" 200 OK\n',
  'job.log': (i) =>
    `2025-12-12T19:45:${two(i)}.714598+0100 | step | INFO - layer ${i % 64}, batch ${i}: words\n`,
  'bars.err': (i) =>
    `\rCalibrating:  ${i % 100}%|██████▋   | ${i % 100}/100 [00:${two(i)}<00:02, 15.13it/s]`,
  'plain.out': (i) => `the ${i}-th line of a program that says what it does, and nothing of use\n`,
};

const two = (n: number): string => String(n % 60).padStart(2, '0');

function fill(dir: string, megabytes: number): number {
  const each = (megabytes * 1e6) / Object.keys(KINDS).length;
  let total = 0;
  for (const [name, line] of Object.entries(KINDS)) {
    const file = openSync(join(dir, name), 'w');
    for (let bytes = 0, i = 0; bytes < each; ) {
      let text = '';
      while (text.length < 1 << 20) text += line(i++);
      const written = writeSync(file, text);
      bytes += written;
      total += written;
    }
    closeSync(file);
  }
  return total;
}

const base = mkdtempSync(join(tmpdir(), 'assay-bench-'));
process.on('exit', () => rmSync(base, { recursive: true, force: true }));
const folder = (name: string): string => {
  const dir = join(base, name);
  mkdirSync(dir);
  return dir;
};
const index = (dir: string, ...flags: string[]): string[] => {
  return ['dist/cli/entry.js', 'logs', 'index', dir, '--out', `${dir}-index`, ...flags];
};

function timed(command: string, args: readonly string[]): number {
  const start = performance.now();
  const { status, stderr } = spawnSync(command, args, { maxBuffer: 2 ** 30 });
  if (status !== 0) throw new Error(`${command} exited with ${status}: ${stderr}`);
  return (performance.now() - start) / 1000;
}

const median = (values: readonly number[]): number =>
  quantile(
    [...values].sort((a, b) => a - b),
    0.5,
  );
const spread = (values: readonly number[]): string => {
  const [least, most] = [Math.min(...values), Math.max(...values)];
  return `median ${median(values).toFixed(2)} s (${least.toFixed(2)} … ${most.toFixed(2)})`;
};

function speedAgainstHash(): void {
  const dir = folder('large');
  const bytes = fill(dir, MEGABYTES);
  const files = Object.keys(KINDS).map((name) => join(dir, name));
  const times = { hash: [] as number[], index: [] as number[] };
  timed('sha256sum', files);
  for (let round = 0; round < ROUNDS; round += 1) {
    times.hash.push(timed('sha256sum', files));
    times.index.push(timed(process.execPath, index(dir, '--fresh')));
  }
  const ratios = times.hash.map((seconds, i) => seconds / (times.index[i] as number));
  const speed = (seconds: number): string => `${(bytes / 1e6 / seconds).toFixed(0)} MB/s`;
  console.log(`\n${(bytes / 1e6).toFixed(0)} MB in ${files.length} logs, n = ${ROUNDS}`);
  console.log(`sha256sum         ${spread(times.hash)}, ${speed(median(times.hash))}`);
  console.log(`assay logs index  ${spread(times.index)}, ${speed(median(times.index))}`);
  console.log(
    `index / sha256sum, bytes a second: median ${median(ratios).toFixed(2)} ` +
      `(${Math.min(...ratios).toFixed(2)} … ${Math.max(...ratios).toFixed(2)}; goal 0.5)`,
  );
  scanning(files);
}

function scanning(files: readonly string[]): void {
  const automaton = buildAutomaton(DIALECTS.map(({ needles }) => needles));
  for (const file of files) {
    const bytes = readFileSync(file);
    const speed = (pass: () => void): string => {
      pass();
      const start = performance.now();
      pass();
      const seconds = (performance.now() - start) / 1000;
      return `${(bytes.length / 1e6 / seconds).toFixed(0)} MB/s`;
    };
    const chunked = (push: (chunk: Buffer) => void): void => {
      for (let at = 0; at < bytes.length; at += 1 << 18) push(bytes.subarray(at, at + (1 << 18)));
    };
    const lines = speed(() => {
      const scanner = new LineScanner(automaton, {
        ...{ wantUntil: 0, isSkimming: false },
        ...{ onLine: () => {}, skim: () => -1 },
      });
      chunked((chunk) => scanner.push(chunk, chunk.length));
    });
    const hash = speed(() =>
      chunked(
        (
          (sum) => (chunk) =>
            sum.update(chunk)
        )(createHash('sha256')),
      ),
    );
    const whole = speed(() => {
      const scanner = new FileScanner('x');
      chunked((chunk) => scanner.push(chunk, false));
      scanner.end();
    });
    console.log(
      `${file.slice(file.lastIndexOf('/') + 1).padEnd(12)} one core: lines and needles ${lines}, ` +
        `SHA-256 ${hash}, both and the dialects ${whole}`,
    );
  }
}

async function memoryOfTenGigabytes(): Promise<void> {
  const dir = folder('huge');
  const file = join(dir, 'huge.log');
  writeFileSync(file, 'INFO 12-18 03:13:09 begin\n');
  truncateSync(file, 10e9);
  const start = performance.now();
  const child = spawn(process.execPath, index(dir, '--fresh'), { stdio: 'ignore' });
  let peakKiB = 0;
  const timer = setInterval(() => {
    try {
      const status = readFileSync(`/proc/${child.pid}/status`, 'utf8');
      peakKiB = Math.max(peakKiB, Number(/^VmHWM:\s+(\d+)/m.exec(status)?.[1] ?? 0));
    } catch {
      // It has just ended.
    }
  }, 20);
  await new Promise((resolve) => child.on('close', resolve));
  clearInterval(timer);
  const seconds = (performance.now() - start) / 1000;
  console.log(
    `\none sparse file of 10 GB: ${seconds.toFixed(1)} s, ${(1e4 / seconds).toFixed(0)} MB/s, ` +
      `peak memory ${((peakKiB * 1024) / 1e6).toFixed(0)} MB (goal 200)`,
  );
}

function manySmallFiles(): void {
  const dir = folder('small');
  for (let i = 0; i < SMALL_FILES; i += 1) {
    const sub = join(dir, `d${i % 100}`);
    mkdirSync(sub, { recursive: true });
    const file = join(sub, `job_${100_000 + i}.log`);
    const body = Array.from({ length: 20 }, (_, line) => `step ${line} of ${i}\n`).join('');
    writeFileSync(file, `JobID = ${100_000 + i}\n${body}Done.\n`);
    utimesSync(file, OLD, OLD);
  }
  const first = timed(process.execPath, index(dir));
  const again = Array.from({ length: ROUNDS }, () => timed(process.execPath, index(dir)));
  console.log(`\n${SMALL_FILES} small files: ${first.toFixed(2)} s (goal 5)`);
  console.log(`again, nothing changed: ${spread(again)} (goal 0.5)`);
}

printMachine();
const othersShare = watchOthers();
speedAgainstHash();
manySmallFiles();
await memoryOfTenGigabytes();
console.log(`\nothers took ${(100 * othersShare()).toFixed(1)} % of the CPU time`);
