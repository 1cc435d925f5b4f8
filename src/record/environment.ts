/** The machine that a run ran on: an allow-list of facts, so that nothing private slips in. */
import { readFileSync } from 'node:fs';
import { arch, cpus, hostname, platform, release, totalmem } from 'node:os';
import { join } from 'node:path';
import { sha256Hex } from './canonical.ts';
import { captureGpus } from './nvidia-smi.ts';
import { redactText, secretsOf } from './redact.ts';
import type { Environment } from './schema.ts';

/** Variables that change what is computed or how fast. No others are ever recorded. */
const VARIABLES: readonly string[] = [
  ...['OMP_NUM_THREADS', 'OMP_PROC_BIND', 'OMP_WAIT_POLICY', 'MKL_NUM_THREADS', 'KMP_AFFINITY'],
  ...['OPENBLAS_NUM_THREADS', 'GOMP_CPU_AFFINITY', 'MALLOC_ARENA_MAX', 'LD_PRELOAD'],
  ...[
    'CUDA_VISIBLE_DEVICES',
    'CUDA_DEVICE_ORDER',
    'NVIDIA_VISIBLE_DEVICES',
    'NVIDIA_TF32_OVERRIDE',
  ],
  ...['SLURM_JOB_ID', 'SLURM_ARRAY_JOB_ID', 'SLURM_ARRAY_TASK_ID', 'SLURM_RESTART_COUNT'],
  ...['SLURM_JOB_PARTITION', 'SLURM_JOB_NODELIST', 'SLURM_NODEID', 'SLURM_PROCID'],
  ...['SLURM_CPUS_PER_TASK', 'SLURM_JOB_GPUS'],
  ...['NODE_OPTIONS', 'UV_THREADPOOL_SIZE', 'CI', 'TZ', 'LANG', 'LC_ALL'],
];

/** Instruction sets that decide which kernels a runtime picks (x86 and Arm names). */
const CPU_FLAG = /^(sse4_2|f16c|fma|avx\w*|amx\w*|neon|asimd\w*|fphp|i8mm|bf16|sve\w*|sme2?)$/;

/**
 * Facts about this machine and this program. `packageRoot` is the directory of Assay's own
 * package.json. What cannot be found out is null or empty; throws only when that package.json is
 * missing.
 */
export async function captureEnvironment(options: {
  packageRoot: string;
  env?: Readonly<Record<string, string | undefined>>;
}): Promise<Environment> {
  const { gpus, cuda } = await captureGpus();
  const all = cpus();
  return {
    os: { platform: platform(), release: release(), distribution: distribution() },
    arch: arch(),
    hostname: hostname(),
    cpu: { model: all[0]?.model.trim() ?? 'unknown', logicalCores: all.length, flags: cpuFlags() },
    memoryBytes: totalmem(),
    gpus,
    cuda,
    node: process.version,
    assay: packageVersion(options.packageRoot),
    packageLockSha256: lockHash(options.packageRoot),
    variables: captureVariables(options.env ?? process.env),
  };
}

/** The allow-listed variables that are set, redacted: NODE_OPTIONS may hold anything. */
export function captureVariables(
  env: Readonly<Record<string, string | undefined>>,
): Record<string, string> {
  const secrets = secretsOf(env);
  const found: Record<string, string> = {};
  for (const name of VARIABLES) {
    const value = env[name];
    if (value !== undefined) found[name] = redactText(value, secrets);
  }
  return found;
}

function distribution(): string | null {
  const name = /^PRETTY_NAME="?([^"\n]*)"?$/m.exec(readIfThere('/etc/os-release') ?? '')?.[1];
  return name ?? null;
}

function cpuFlags(): string[] {
  const line = /^(?:flags|Features)\s*:\s*(.*)$/m.exec(readIfThere('/proc/cpuinfo') ?? '')?.[1];
  return (line ?? '')
    .split(' ')
    .filter((flag) => CPU_FLAG.test(flag))
    .sort();
}

function packageVersion(packageRoot: string): string {
  const manifest: unknown = JSON.parse(readFileSync(join(packageRoot, 'package.json'), 'utf8'));
  return String((manifest as { version?: unknown }).version);
}

/** null for an installed package: npm does not ship the lock file. */
function lockHash(packageRoot: string): string | null {
  const text = readIfThere(join(packageRoot, 'package-lock.json'));
  return text === null ? null : sha256Hex(text);
}

function readIfThere(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return null;
  }
}
