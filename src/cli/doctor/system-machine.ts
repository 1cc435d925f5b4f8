/** This machine, asked through Node, the file system and the commands that are installed. */
import { execFile } from 'node:child_process';
import { readdirSync, readFileSync, statfsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { arch, availableParallelism, cpus, freemem, homedir, platform, totalmem } from 'node:os';
import { dirname, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { missingLibraries } from '../../engine/embedded/device.ts';
import type { Machine, RuntimeFacts } from './machine.ts';

/** nvidia-smi and sinfo can hang when their daemon is gone. */
const COMMAND_TIMEOUT_MS = 10_000;

const MAX_OUTPUT_BYTES = 16 * 2 ** 20;

/**
 * Runs in a process of its own: a native library that this CPU or C library cannot run ends its
 * process, and the doctor must live to tell.
 */
const RUNTIME_PROBE = `
  const ort = (await import(process.argv[1])).default;
  const backends = ort.listSupportedBackends();
  console.log(JSON.stringify({ version: ort.env.versions.node, backends }));
`;

export function systemMachine(): Machine {
  return {
    platform: platform(),
    arch: arch(),
    nodeVersion: process.versions.node,
    nodeRange: packageNodeRange(),
    cpuModel: cpus()[0]?.model ?? null,
    logicalCores: availableParallelism(),
    memoryBytes: totalmem(),
    freeMemoryBytes: freemem(),
    home: homedir(),
    readText: (path) => orNull(() => readFileSync(path, 'utf8')),
    list: (path) => orNull(() => readdirSync(path)),
    diskFreeBytes,
    execute: async (command, args) => (await executeFile(command, args)).stdout,
    runtime,
    missingGpuPackages: () => (platform() === 'linux' ? missingLibraries() : []),
  };
}

function orNull<T>(read: () => T): T | null {
  try {
    return read();
  } catch {
    return null;
  }
}

function packageNodeRange(): string | null {
  const path = new URL('../../../package.json', import.meta.url);
  return orNull(() => JSON.parse(readFileSync(path, 'utf8')).engines.node as string);
}

function diskFreeBytes(path: string): number | null {
  for (let at = resolve(path); ; at = dirname(at)) {
    const stats = orNull(() => statfsSync(at));
    // bavail, not bfree: what root keeps for itself is not ours.
    if (stats !== null) return stats.bavail * stats.bsize;
    if (dirname(at) === at) return null;
  }
}

interface Executed {
  /** null when it could not start or failed. */
  readonly stdout: string | null;
  readonly problem: string;
}

function executeFile(command: string, args: readonly string[]): Promise<Executed> {
  const options = { timeout: COMMAND_TIMEOUT_MS, maxBuffer: MAX_OUTPUT_BYTES };
  return new Promise((done) => {
    execFile(command, [...args], options, (error, stdout, stderr) => {
      if (error === null) return done({ stdout, problem: '' });
      const cause = error.signal ? `ended by ${error.signal}` : lastLine(stderr) || error.message;
      done({ stdout: null, problem: cause });
    });
  });
}

/** The line of a Node stack that says what happened. */
function lastLine(stderr: string): string {
  const lines = stderr.split('\n').map((line) => line.trim());
  return lines.find((line) => /^\w*Error\b.*:/.test(line)) ?? lines.find(Boolean) ?? '';
}

async function runtime(): Promise<RuntimeFacts> {
  let entry: string;
  try {
    entry = createRequire(import.meta.url).resolve('onnxruntime-node');
  } catch {
    return { problem: 'the package onnxruntime-node is not installed' };
  }
  const args = ['--input-type=module', '-e', RUNTIME_PROBE, pathToFileURL(entry).href];
  const { stdout, problem } = await executeFile(process.execPath, args);
  if (stdout === null) return { problem };
  const facts = orNull(() => JSON.parse(stdout) as RuntimeFacts);
  return facts ?? { problem: `the runtime answered "${stdout.slice(0, 200)}"` };
}
