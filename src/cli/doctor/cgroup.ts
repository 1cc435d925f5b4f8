/** Limits that a container sets. Node and the kernel's totals show the whole machine, not these. */
import type { Machine } from './machine.ts';

export interface CgroupLimits {
  /** null: no limit. */
  readonly memoryBytes: number | null;
  /** Processors' worth of time, e.g. 1.5; null: no limit. */
  readonly cores: number | null;
}

/** v1 writes "no limit" as the largest page-aligned number; no machine has an exbibyte. */
const NO_LIMIT_BYTES = 2 ** 60;

/**
 * The tightest limit between this process's group and the root. Reads cgroup v2
 * (`memory.max`, `cpu.max`) and v1 (`memory.limit_in_bytes`, `cpu.cfs_quota_us`); linux only.
 */
export function readCgroupLimits(machine: Pick<Machine, 'readText'>): CgroupLimits {
  const groups = parseGroups(machine.readText('/proc/self/cgroup') ?? '');
  const root = '/sys/fs/cgroup';
  const read = (folder: string, file: string) => machine.readText(`${folder}/${file}`);
  const folders = (controller: string) => [
    ...parentsOf(root, groups.get('') ?? '/'),
    ...parentsOf(`${root}/${controller}`, groups.get(controller) ?? '/'),
    ...parentsOf(`${root}/cpu,cpuacct`, groups.get(controller) ?? '/'),
  ];
  const memory = folders('memory').flatMap((folder) => [
    parseBytes(read(folder, 'memory.max')),
    parseBytes(read(folder, 'memory.limit_in_bytes')),
  ]);
  const cores = folders('cpu').flatMap((folder) => [
    parseCores(read(folder, 'cpu.max')),
    parseCores(`${read(folder, 'cpu.cfs_quota_us')} ${read(folder, 'cpu.cfs_period_us')}`),
  ]);
  return { memoryBytes: smallest(memory), cores: smallest(cores) };
}

/** Path by controller; v2's only group has the name ''. */
function parseGroups(text: string): Map<string, string> {
  const groups = new Map<string, string>();
  for (const line of text.split('\n')) {
    const match = /^\d+:([^:]*):(\/.*)$/.exec(line);
    for (const name of match?.[1]?.split(',') ?? []) groups.set(name, match![2]!);
  }
  return groups;
}

/** `/a/b` below `root`: itself, `/a`, and the root, where a container sees its own limits. */
function parentsOf(root: string, path: string): string[] {
  const parts = path.split('/').filter(Boolean);
  return parts.map((_, i) => `${root}/${parts.slice(0, i + 1).join('/')}`).concat(root);
}

function parseBytes(text: string | null): number | null {
  const bytes = /^\d+$/.test(text?.trim() ?? '') ? Number(text) : null;
  return bytes !== null && bytes < NO_LIMIT_BYTES ? bytes : null;
}

/** `quota period` in µs; a quota of `max` or −1 is none. */
function parseCores(text: string | null): number | null {
  const match = /^(\d+)\s+(\d+)\s*$/.exec(text?.replace(/\n/g, ' ').trim() ?? '');
  const period = Number(match?.[2]);
  return match && period > 0 ? Number(match[1]) / period : null;
}

function smallest(values: readonly (number | null)[]): number | null {
  const limits = values.filter((value) => value !== null);
  return limits.length === 0 ? null : Math.min(...limits);
}
