/**
 * Whole conversions of a checkpoint, file to file, beside `cp` and `sync` of the larger of its two
 * sides, and beside PyTorch, in turn; files lie in the page cache, both sides are flushed. Then
 * what verification and hashing add, and how much memory the command takes.
 * Usage: npx tsx benchmarks/weights.ts [GiB of BF16] [folder on the disk to measure] [python]
 */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { performance } from 'node:perf_hooks';
import { quantile } from '../src/analyze/describe.ts';
import { printMachine, watchOthers } from './machine.ts';
import { writeDummyCheckpoint } from './weights-model.ts';
import { type WeightsPeer, weightsPeer } from './weights-peer.ts';

const GIB = Number(process.argv[2] ?? 1);
const FOLDER = process.argv[3] ?? tmpdir();
const PYTHON = process.argv[4];
const ROUNDS = 5;
const WORKERS = 2;

const base = mkdtempSync(join(FOLDER, 'assay-bench-weights-'));
process.on('exit', () => rmSync(base, { recursive: true, force: true }));
const entry = resolve(import.meta.dirname, '../dist/cli/entry.js');

interface Timed {
  readonly convertMs: number;
  readonly fsyncMs: number;
  readonly verifyMs: number | null;
  readonly hashMs: number | null;
  readonly finishMs: number;
  readonly peakBytes: number;
  readonly wallMs: number;
}

/** The largest resident size of a process so far, as the kernel counts it; 0 where it has ended. */
function peakOf(pid: number | undefined): number {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    return 1024 * Number(/VmHWM:\s*(\d+)/.exec(status)?.[1] ?? 0);
  } catch {
    return 0;
  }
}

async function weights(...args: string[]): Promise<Timed> {
  const start = performance.now();
  const flags = ['--workers', String(WORKERS), '--json'];
  const child = spawn(process.execPath, [entry, 'weights', ...args, ...flags], {
    cwd: base,
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  let text = '';
  child.stdout.on('data', (chunk) => (text += chunk));
  let peakBytes = 0;
  const watch = setInterval(() => {
    peakBytes = Math.max(peakBytes, peakOf(child.pid));
  }, 20);
  const [code] = await once(child, 'close');
  clearInterval(watch);
  if (code !== 0) throw new Error(`weights ${args.join(' ')} ended with ${code}`);
  return { ...JSON.parse(text), peakBytes, wallMs: performance.now() - start };
}

const path = (name: string): string => join(base, name);
const weightsFile = (name: string): string => join(base, name, 'model.safetensors');
const remove = (name: string): void => rmSync(path(name), { recursive: true, force: true });

/** Copies the file and flushes the copy. @returns seconds */
function copySeconds(name: string): number {
  const start = performance.now();
  execFileSync('cp', [weightsFile(name), path('copy')]);
  execFileSync('sync', [path('copy')]);
  const seconds = (performance.now() - start) / 1_000;
  remove('copy');
  return seconds;
}

const median = (values: readonly number[]): number =>
  quantile(
    values.toSorted((a, b) => a - b),
    0.5,
  );

function show(values: readonly number[], digits = 2): string {
  const [least, most] = [Math.min(...values), Math.max(...values)];
  return `${median(values).toFixed(digits)} (${least.toFixed(digits)} … ${most.toFixed(digits)})`;
}

interface Case {
  readonly name: string;
  /** Input and output, as names of folders. */
  readonly from: string;
  readonly to: string;
  readonly command: readonly string[];
  /** The task of the Python side, where it has one. */
  readonly peer?: string;
}

const WITHOUT = ['--no-verify', '--no-hash'];

async function measure({ name, from, to, command, peer: task }: Case, peer: WeightsPeer | null) {
  const [verb = '', ...flags] = command;
  const ratios: number[] = [];
  const speeds: number[] = [];
  const checks: number[] = [];
  const peaks: number[] = [];
  const python: number[] = [];
  let larger = '';
  for (let round = 0; round <= ROUNDS; round++) {
    remove(to);
    const bare = await weights(verb, from, to, ...flags, ...WITHOUT);
    const seconds = (bare.convertMs + bare.finishMs) / 1_000;
    larger = statSync(weightsFile(from)).size > statSync(weightsFile(to)).size ? from : to;
    const copied = copySeconds(larger);
    remove(to);
    const full = await weights(verb, from, to, ...flags);
    const theirs =
      peer !== null && task !== undefined
        ? await peer.seconds(`${task} ${weightsFile(from)} ${path('python.safetensors')}`)
        : null;
    remove('python.safetensors');
    // The first round is a warm-up.
    if (round === 0) continue;
    ratios.push(copied / seconds);
    speeds.push(statSync(weightsFile(larger)).size / 1e9 / seconds);
    checks.push(full.finishMs / (full.convertMs + bare.finishMs));
    peaks.push(Math.max(full.peakBytes, bare.peakBytes) / 1e6);
    if (theirs !== null) python.push(theirs / seconds);
  }
  console.log(`${name}: ${show(speeds)} GB/s of the larger side, ${show(ratios)} × cp and sync`);
  console.log(`  verification, hashing and flush: ${show(checks)} × conversion and flush`);
  console.log(`  memory at most ${Math.max(...peaks).toFixed(0)} MB`);
  if (python.length > 0) console.log(`  ${show(python, 1)} × the speed of PyTorch`);
}

printMachine();
const bytes = writeDummyCheckpoint(path('bf16'), GIB);
console.log(
  `${(bytes / 1e9).toFixed(2)} GB of BF16, ${WORKERS} workers, n = ${ROUNDS}, on ${FOLDER}`,
);
const others = watchOthers();
const peer = PYTHON === undefined ? null : weightsPeer(PYTHON);
if (peer !== null) console.log(await peer.version());
const quantize = (scheme: string, format: string): string[] => [
  ...['quantize', '--scheme', scheme, '--format', format],
];
const cases: readonly Case[] = [
  {
    name: 'BF16 → FP8 blocks',
    from: 'bf16',
    to: 'fp8',
    command: quantize('fp8-block128', 'fp8'),
    peer: 'torch-quantize',
  },
  {
    name: 'FP8 blocks → BF16',
    from: 'fp8',
    to: 'back',
    command: ['dequantize'],
    peer: 'torch-dequantize',
  },
  {
    name: 'BF16 → INT4',
    from: 'bf16',
    to: 'int4',
    command: quantize('int4-g128', 'compressed-tensors'),
  },
  { name: 'INT4 → BF16', from: 'int4', to: 'back', command: ['dequantize'] },
  { name: 'BF16 → AWQ', from: 'bf16', to: 'awq', command: quantize('int4-asym-g128', 'awq') },
  { name: 'AWQ → BF16', from: 'awq', to: 'back', command: ['dequantize'] },
];
for (const each of cases) await measure(each, peer);
peer?.close();
console.log(`others took ${(100 * others()).toFixed(1)} % of the CPU time`);
