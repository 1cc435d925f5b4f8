/** The machine itself: Node, the runtime, cores, CPU features, memory, disk. */
import { readCgroupLimits } from './cgroup.ts';
import type { Check, Machine } from './machine.ts';

/** Below this a run may end for want of space. */
const LOW_DISK_BYTES = 2 ** 30;

/** What the runtime's integer and float kernels choose between, widest last. */
const FEATURES = {
  x64: ['avx2', 'avx_vnni', 'avx512f', 'avx512_vnni', 'avx512_bf16', 'amx_tile', 'amx_int8'],
  arm64: ['asimd', 'asimddp', 'i8mm', 'bf16', 'sve'],
} as const;

const gib = (bytes: number) => `${(bytes / 2 ** 30).toFixed(1)} GiB`;

export function checkNode(machine: Machine): Check {
  const { nodeVersion: version, nodeRange: range } = machine;
  const least = /^>=\s*([\d.]+)$/.exec(range ?? '')?.[1] ?? null;
  const id = 'node';
  const facts = { version, range, platform: machine.platform, arch: machine.arch };
  const summary = `Node ${version} on ${machine.platform} ${machine.arch}`;
  if (least === null) return { id, state: 'unknown', summary, advice: null, facts };
  if (isAtLeast(version, least)) {
    return { id, state: 'ok', summary: `${summary} (needs ${range})`, advice: null, facts };
  }
  const advice = `Install Node ${least} or newer from https://nodejs.org.`;
  return { id, state: 'missing', summary: `${summary}: needs ${range}`, advice, facts };
}

function isAtLeast(version: string, least: string): boolean {
  const [have, want] = [version, least].map((text) => text.split('.').map(Number));
  for (const [index, part] of want!.entries()) {
    const other = have![index] ?? 0;
    if (other !== part) return other > part;
  }
  return true;
}

const INSTALL_NOTE =
  'On Linux x64 the install script of onnxruntime-node downloads CUDA libraries, which Assay ' +
  'does not use, and fails without a network. Who installs the published package sets ' +
  'ONNXRUNTIME_NODE_INSTALL=skip, or runs npm with --ignore-scripts: the CPU library is in the ' +
  'package. A checkout of the repository does so by its .npmrc.';

export async function checkRuntime(machine: Machine): Promise<Check> {
  const id = 'runtime';
  const facts = await machine.runtime();
  if ('problem' in facts) {
    const summary = `onnxruntime-node does not load: ${facts.problem}`;
    const advice =
      `Run npm ci again. It ships libraries for Linux (x64, arm64; glibc), macOS (arm64) and ` +
      `Windows; this is ${machine.platform} ${machine.arch}. ${INSTALL_NOTE}`;
    return { id, state: 'missing', summary, advice, facts };
  }
  const names = (bundled: boolean) =>
    facts.backends.filter((one) => one.bundled === bundled).map(({ name }) => name);
  const extra = names(false);
  const apart = extra.length === 0 ? '' : `, not in the package: ${extra.join(', ')}`;
  const summary = `onnxruntime ${facts.version}: ${names(true).join(', ')}${apart}`;
  return { id, state: 'ok', summary, advice: INSTALL_NOTE, facts };
}

export async function checkCores(machine: Machine): Promise<Check> {
  const physical = await physicalCores(machine);
  const quota = readCgroupLimits(machine).cores;
  const logical = machine.logicalCores;
  const facts = { model: machine.cpuModel, logical, physical, cgroupCores: quota };
  const model = machine.cpuModel?.trim() || 'unnamed CPU';
  const counted = `${physical ?? 'unknown number of'} physical, ${logical} logical`;
  const base = { id: 'cores', facts };
  if (quota === null || quota >= logical) {
    return { ...base, state: 'ok', summary: `${model}, ${counted}`, advice: null };
  }
  const summary = `${model}, ${counted}, limited by the container to ${quota.toFixed(2)}`;
  const threads = Math.max(1, Math.floor(quota));
  const advice = `Threads beyond the limit are paused and distort times: use at most ${threads}.`;
  return { ...base, state: 'limited', summary, advice };
}

/** Logical processors that share a core name each other in one list: lists = cores. */
async function physicalCores(machine: Machine): Promise<number | null> {
  if (machine.platform === 'darwin') {
    const count = Number(await machine.execute('sysctl', ['-n', 'hw.physicalcpu']));
    return count > 0 ? count : null;
  }
  const root = '/sys/devices/system/cpu';
  const lists = (machine.list(root) ?? [])
    .filter((name) => /^cpu\d+$/.test(name))
    .map((name) => machine.readText(`${root}/${name}/topology/thread_siblings_list`))
    .filter((list) => list !== null);
  return lists.length === 0 ? null : new Set(lists.map((list) => list.trim())).size;
}

export function checkCpuFeatures(machine: Machine): Check {
  const id = 'cpu-features';
  const wanted: readonly string[] = FEATURES[machine.arch as keyof typeof FEATURES] ?? [];
  const text = machine.readText('/proc/cpuinfo') ?? '';
  const flags = /^(?:flags|Features)\s*:(.*)$/m.exec(text)?.[1]?.trim().split(/\s+/);
  if (flags === undefined || wanted.length === 0) {
    const summary = `${machine.platform} ${machine.arch} does not list its CPU's features here`;
    return { id, state: 'unknown', summary, advice: null, facts: { present: null } };
  }
  const present = wanted.filter((name) => flags.includes(name));
  const absent = wanted.filter((name) => !flags.includes(name));
  const facts = { present, absent };
  const summary = present.join(', ') || 'none of those that matter';
  const integer = ['avx_vnni', 'avx512_vnni', 'amx_int8', 'asimddp', 'i8mm'];
  if (present.some((name) => integer.includes(name))) {
    return { id, state: 'ok', summary, advice: null, facts };
  }
  const advice =
    'This CPU has no integer dot products: everything runs, but the speed that int8 and int4 ' +
    'show on a CPU with them does not carry over. Nothing to install.';
  return { id, state: 'limited', summary, advice, facts };
}

export function checkMemory(machine: Machine): Check {
  const id = 'memory';
  const total = machine.memoryBytes;
  const available = availableBytes(machine);
  const limit = readCgroupLimits(machine).memoryBytes;
  const facts = { totalBytes: total, availableBytes: available, cgroupLimitBytes: limit };
  const summary = `${gib(total)}, ${gib(available)} available`;
  if (limit === null || limit >= total) {
    return { id, state: 'ok', summary, advice: null, facts };
  }
  const advice = 'A process that grows beyond the container’s limit is killed without a message.';
  const limited = `${summary}, limited by the container to ${gib(limit)}`;
  return { id, state: 'limited', summary: limited, advice, facts };
}

/** Free memory leaves out caches that the kernel gives back; MemAvailable counts them. */
function availableBytes(machine: Machine): number {
  const text = machine.readText('/proc/meminfo') ?? '';
  const kib = /^MemAvailable:\s+(\d+) kB$/m.exec(text)?.[1];
  return kib === undefined ? machine.freeMemoryBytes : Number(kib) * 1024;
}

export function checkDisk(machine: Machine, lab: string): Check {
  const id = 'disk';
  const bytes = machine.diskFreeBytes(lab);
  const facts = { lab, freeBytes: bytes };
  if (bytes === null) {
    const summary = `free space at ${lab} cannot be read`;
    return { id, state: 'unknown', summary, advice: null, facts };
  }
  const summary = `${gib(bytes)} free at the lab ${lab}`;
  if (bytes >= LOW_DISK_BYTES) return { id, state: 'ok', summary, advice: null, facts };
  const advice = 'A run that fills the disk fails: make room, or name another lab with --lab.';
  return { id, state: 'limited', summary, advice, facts };
}
