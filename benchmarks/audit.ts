/**
 * How `assay audit` grows with what it reads: Markdown of many tables, a raw table in CSV, and a
 * document whose recipes search a large log. Documents are made here and consistent, so that all
 * checks that apply run to their end. In turn, A B A B …
 * Usage: npx tsx benchmarks/audit.ts [MB of log]
 */
import {
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { quantile } from '../src/analyze/describe.ts';
import { type Audit, auditFiles } from '../src/evidence/audit/audit-files.ts';
import { indexLogs } from '../src/logs/index-logs.ts';
import { printMachine, watchOthers } from './machine.ts';

const MEGABYTES = Number(process.argv[2] ?? 300);
const ROUNDS = 5;

const base = mkdtempSync(join(tmpdir(), 'assay-bench-'));
process.on('exit', () => rmSync(base, { recursive: true, force: true }));

/** A section as teams write them: a table with speedups, pairs of loss and perplexity, a count. */
function section(i: number): string {
  const speed = 20 + (i % 70) / 7;
  const rows = [1, 1.25, 2, 0.5].map((times, k) => {
    const scheme = ['FP16', 'INT8', 'INT4', 'NF4'][k];
    return `| Model-${i} | ${scheme} | ${(speed * times).toFixed(2)} | ${times.toFixed(2)}× |`;
  });
  const loss = 1 + (i % 90) / 100;
  return [
    `## Experiment ${i}`,
    '',
    'The run was made on one machine, and what it shows is in the table below, in tokens a second.',
    '',
    '| Model | Precision | Speed (tok/s) | Speedup |',
    '|---|---|---|---|',
    ...rows,
    '',
    `- Loss: ${loss.toFixed(4)}`,
    `- Perplexity: ${Math.exp(loss).toFixed(4)}`,
    `- Accuracy: ${(100 * (20 + (i % 60))).toFixed(0)} of 10000`,
    '',
  ].join('\n');
}

function markdown(bytes: number): string {
  let text = '# Experiment log\n\n';
  for (let i = 1; text.length < bytes; i += 1) text += section(i);
  return text;
}

function csv(bytes: number): string {
  let text = 'model,precision,batch_size,tokens_per_sec,avg_loss,perplexity\n';
  for (let i = 0; text.length < bytes; i += 1) {
    const loss = 1 + (i % 997) / 1000;
    text += `m${i % 50},int4,${1 << (i % 6)},${(20 + (i % 100)).toFixed(2)},${loss.toFixed(4)},`;
    text += `${Math.exp(loss).toFixed(4)}\n`;
  }
  return text;
}

function fillLog(path: string): void {
  const file = openSync(path, 'w');
  for (let bytes = 0, i = 0; bytes < MEGABYTES * 1e6; ) {
    let text = '';
    while (text.length < 1 << 20) text += `2026-03-01 10:00:00 INFO layer ${i++} is quantized\n`;
    bytes += writeSync(file, text);
  }
  closeSync(file);
}

const median = (values: readonly number[]): number =>
  quantile(
    values.toSorted((a, b) => a - b),
    0.5,
  );

interface Case {
  readonly name: string;
  readonly megabytes: number;
  audit(): Promise<Audit>;
}

async function compare(cases: readonly Case[]): Promise<void> {
  const times = cases.map((): number[] => []);
  const last: Audit[] = [];
  for (let round = 0; round <= ROUNDS; round += 1) {
    for (const [i, each] of cases.entries()) {
      const start = performance.now();
      last[i] = await each.audit();
      // The first round is a warm-up.
      if (round > 0) (times[i] as number[]).push((performance.now() - start) / 1000);
    }
  }
  for (const [i, { name, megabytes }] of cases.entries()) {
    const seconds = times[i] as number[];
    const files = (last[i] as Audit).files;
    const held = files.reduce((sum, file) => sum + file.held, 0);
    const findings = files.reduce((sum, file) => sum + file.findings.length, 0);
    const [least, most] = [Math.min(...seconds), Math.max(...seconds)].map((x) => x.toFixed(3));
    console.log(
      `${name.padEnd(34)} median ${median(seconds).toFixed(3)} s (${least} … ${most}), ` +
        `${(megabytes / median(seconds)).toFixed(1)} MB/s, ${held} held, ${findings} findings`,
    );
  }
}

function fileCase(name: string, text: string, extension: string): Case {
  const path = join(base, `${name.replaceAll(/\W/g, '-')}.${extension}`);
  writeFileSync(path, text);
  const megabytes = text.length / 1e6;
  return { name, megabytes, audit: () => auditFiles([path], { cwd: base, logs: null }) };
}

printMachine();
const othersShare = watchOthers();
console.log(`n = ${ROUNDS}`);
await compare([
  fileCase('Markdown, 10 kB', markdown(1e4), 'md'),
  fileCase('Markdown, 100 kB', markdown(1e5), 'md'),
  fileCase('Markdown, 1 MB', markdown(1e6), 'md'),
  fileCase('Markdown, 4 MB', markdown(4e6), 'md'),
  fileCase('CSV, 1 MB', csv(1e6), 'csv'),
  fileCase('CSV, 4 MB', csv(4e6), 'csv'),
]);
const logs = join(base, 'logs');
mkdirSync(logs);
fillLog(join(logs, 'quantize.log'));
const evidence = { root: logs, index: await indexLogs(logs) };
const recipes = join(base, 'index.md');
writeFileSync(recipes, '# Logs\n\n```sh\ngrep -c "Quantizing layer" quantize.log\n```\n');
await compare([
  {
    name: `a grep over ${MEGABYTES} MB`,
    megabytes: MEGABYTES,
    audit: () => auditFiles([recipes], { cwd: base, logs: evidence }),
  },
]);
console.log(`others took ${(100 * othersShare()).toFixed(1)} % of the CPU time`);
