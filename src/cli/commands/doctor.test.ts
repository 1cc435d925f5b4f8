import { describe, expect, it } from 'vitest';
import type { Check, Machine } from '../doctor/machine.ts';
import { examine, run } from './doctor.ts';

const SIBLINGS = '/sys/devices/system/cpu';

/** A machine with everything; each test takes away or changes what it is about. */
function machineWith(changes: {
  machine?: Partial<Machine>;
  files?: Record<string, string>;
  folders?: Record<string, string[]>;
  /** stdout by command name, or by command and first argument. */
  commands?: Record<string, string>;
}): Machine {
  const files: Record<string, string> = {
    '/proc/cpuinfo': 'flags\t\t: fpu avx2 avx512f avx512_vnni amx_tile amx_int8\n',
    '/proc/meminfo': 'MemTotal: 67108864 kB\nMemAvailable:   50331648 kB\n',
    [`${SIBLINGS}/cpu0/topology/thread_siblings_list`]: '0,2\n',
    [`${SIBLINGS}/cpu1/topology/thread_siblings_list`]: '1,3\n',
    [`${SIBLINGS}/cpu2/topology/thread_siblings_list`]: '0,2\n',
    [`${SIBLINGS}/cpu3/topology/thread_siblings_list`]: '1,3\n',
    ...changes.files,
  };
  const folders: Record<string, string[]> = {
    [SIBLINGS]: ['cpu0', 'cpu1', 'cpu2', 'cpu3', 'cpufreq', 'possible'],
    ...changes.folders,
  };
  return {
    platform: 'linux',
    arch: 'x64',
    nodeVersion: '20.19.1',
    nodeRange: '>=20.19',
    cpuModel: 'Some CPU',
    logicalCores: 4,
    memoryBytes: 64 * 2 ** 30,
    freeMemoryBytes: 2 ** 30,
    home: '/u',
    readText: (path) => files[path] ?? null,
    list: (path) => folders[path] ?? null,
    diskFreeBytes: () => 100 * 2 ** 30,
    execute: async (command, args) =>
      changes.commands?.[`${command} ${args[0]}`] ?? changes.commands?.[command] ?? null,
    runtime: async () => ({
      version: '1.30.0',
      backends: [
        { name: 'cpu', bundled: true },
        { name: 'cuda', bundled: false },
      ],
    }),
    missingGpuPackages: () => [],
    ...changes.machine,
  };
}

async function check(
  id: string,
  changes: Parameters<typeof machineWith>[0] = {},
  env: Record<string, string> = {},
): Promise<Check> {
  const checks = await examine({ machine: machineWith(changes), env, lab: '/lab' });
  return checks.find((one) => one.id === id)!;
}

async function output(options: { json?: boolean; lab?: string }, machine = machineWith({})) {
  let text = '';
  const stdout = { write: (part: string) => (text += part) };
  const code = await run(options, { stdout, env: { HF_TOKEN: 'hf_secret' }, cwd: '/' }, machine);
  return { code, text };
}

describe('assay doctor', () => {
  it('prints every check, counts them, and ends with 0 whatever is missing', async () => {
    const { code, text } = await output({});
    expect(code).toBe(0);
    expect(text).toMatch(/^ok +node +Node 20\.19\.1 on linux x64 \(needs >=20\.19\)$/m);
    expect(text).toMatch(/^missing +gpu /m);
    expect(text).toMatch(/\n7 ok, 2 missing, 1 unknown\n$/);
    for (const line of text.split('\n')) expect(line.length).toBeLessThanOrEqual(100);
  });

  it('prints the same as JSON', async () => {
    const { code, text } = await output({ json: true, lab: '/elsewhere' });
    const answer = JSON.parse(text);
    expect(code).toBe(0);
    expect(answer).toMatchObject({ schema: 'assay.doctor/1', lab: '/elsewhere' });
    expect(answer.checks).toHaveLength(10);
    expect(answer.checks[0]).toMatchObject({ id: 'node', state: 'ok', advice: null });
  });

  it('never tells the value of a token', async () => {
    for (const json of [true, false]) {
      const { text } = await output({ json });
      expect(text).toContain('HF_TOKEN');
      expect(text).not.toContain('hf_secret');
    }
  });

  it('tells of a check that breaks, and goes on', async () => {
    const machine = { diskFreeBytes: () => raise('disk on fire') };
    const broken = await check('disk', { machine });
    expect(broken).toMatchObject({ state: 'unknown' });
    expect(broken.summary).toContain('disk on fire');
  });
});

function raise(message: string): never {
  throw new Error(message);
}

describe('the machine itself', () => {
  it.each([
    ['20.19.0', 'ok'],
    ['20.18.9', 'missing'],
    ['22.1.0', 'ok'],
    ['18.20.0', 'missing'],
  ])('knows whether Node %s is enough', async (nodeVersion, state) => {
    expect((await check('node', { machine: { nodeVersion } })).state).toBe(state);
  });

  it('names the providers, and explains the CUDA download', async () => {
    const { summary, advice } = await check('runtime');
    expect(summary).toBe('onnxruntime 1.30.0: cpu, not in the package: cuda');
    expect(advice).toContain('ONNXRUNTIME_NODE_INSTALL=skip');
  });

  it('says why the runtime does not load', async () => {
    const machine = { runtime: async () => ({ problem: 'ended by SIGILL' }) };
    const answer = await check('runtime', { machine });
    expect(answer.state).toBe('missing');
    expect(answer.summary).toContain('SIGILL');
  });

  it('counts cores by their threads, and sees the limit of a container', async () => {
    const { summary, facts } = await check('cores');
    expect(summary).toBe('Some CPU, 2 physical, 4 logical');
    expect(facts).toMatchObject({ physical: 2, logical: 4, cgroupCores: null });
    const files = { '/sys/fs/cgroup/cpu.max': '250000 100000\n' };
    const limited = await check('cores', { files });
    expect(limited).toMatchObject({ state: 'limited', facts: { cgroupCores: 2.5 } });
    expect(limited.advice).toContain('at most 2');
  });

  it('asks macOS for its cores', async () => {
    const commands = { sysctl: '8\n' };
    const mac = { platform: 'darwin', arch: 'arm64' };
    const { facts } = await check('cores', { machine: mac, commands });
    expect(facts).toMatchObject({ physical: 8 });
  });

  it('lists CPU features by architecture', async () => {
    const features = await check('cpu-features');
    expect(features.facts).toMatchObject({
      present: ['avx2', 'avx512f', 'avx512_vnni', 'amx_tile', 'amx_int8'],
    });
    const old = { files: { '/proc/cpuinfo': 'flags : sse2 avx2\n' } };
    expect(await check('cpu-features', old)).toMatchObject({ state: 'limited' });
    const arm = { machine: { arch: 'arm64' }, files: { '/proc/cpuinfo': 'Features : asimd i8mm' } };
    expect(await check('cpu-features', arm)).toMatchObject({ state: 'ok' });
    const none = { files: { '/proc/cpuinfo': '' } };
    expect(await check('cpu-features', none)).toMatchObject({ state: 'unknown' });
  });

  it('tells what memory is available, and the limit of a container', async () => {
    expect((await check('memory')).summary).toBe('64.0 GiB, 48.0 GiB available');
    const files = { '/sys/fs/cgroup/memory.max': `${4 * 2 ** 30}\n` };
    expect(await check('memory', { files })).toMatchObject({
      state: 'limited',
      facts: { cgroupLimitBytes: 4 * 2 ** 30 },
    });
    const elsewhere = { files: { '/proc/meminfo': '' } };
    expect((await check('memory', elsewhere)).summary).toBe('64.0 GiB, 1.0 GiB available');
  });

  it('warns of a full disk, and of one that it cannot see', async () => {
    expect(await check('disk')).toMatchObject({ state: 'ok', facts: { lab: '/lab' } });
    const full = { machine: { diskFreeBytes: () => 1000 } };
    expect(await check('disk', full)).toMatchObject({ state: 'limited' });
    const unseen = { machine: { diskFreeBytes: () => null } };
    expect(await check('disk', unseen)).toMatchObject({ state: 'unknown' });
  });
});

describe('what stands around', () => {
  it('reads GPUs, also one that shares its memory', async () => {
    const commands = {
      'nvidia-smi': `name, memory.total [MiB], driver_version
Big GPU, 81920, 555.1
Small GPU, [N/A], 555.1
`,
    };
    const { state, summary, facts } = await check('gpu', { commands });
    expect(state).toBe('ok');
    expect(summary).toBe('Big GPU, 80.0 GiB, driver 555.1; Small GPU, driver 555.1');
    expect(facts.gpus).toMatchObject([{ memoryBytes: 80 * 2 ** 30 }, { memoryBytes: null }]);
  });

  it('names what a GPU needs before the engine can use it', async () => {
    const commands = { 'nvidia-smi': 'name, memory.total [MiB], driver_version\nGPU, 1, 1\n' };
    const machine = { missingGpuPackages: () => ['libvulkan1', 'libgl1'] };
    const { state, advice } = await check('gpu', { commands, machine });
    expect(state).toBe('limited');
    expect(advice).toContain('apt-get install libvulkan1 libgl1');
  });

  it('does not take an error message of nvidia-smi for a GPU', async () => {
    const commands = { 'nvidia-smi': 'No devices were found\n' };
    const { state, summary } = await check('gpu', { commands });
    expect([state, summary]).toEqual(['missing', 'nvidia-smi lists no GPU']);
  });

  it('reads Slurm, and a Slurm whose controller is away', async () => {
    const version = { 'sinfo --version': 'slurm 22.05.9\n' };
    const nodes = { ...version, 'sinfo --noheader': 'gpu* 4 idle\ncpu 2 allocated\n' };
    expect((await check('slurm', { commands: nodes })).summary).toBe(
      'slurm 22.05.9: gpu* 4 idle; cpu 2 allocated',
    );
    expect(await check('slurm', { commands: version })).toMatchObject({ state: 'limited' });
    expect(await check('slurm')).toMatchObject({ state: 'missing' });
  });

  it('counts fonts that can be drawn', async () => {
    const commands = { 'fc-list': '/f/A.ttf\n/f/A.ttf\n/f/B.otf\n/f/c.pcf.gz\n' };
    expect((await check('fonts', { commands })).summary).toBe('2 TTF or OTF files');
    expect((await check('fonts', { commands: { 'fc-list': '' } })).state).toBe('missing');
    expect((await check('fonts')).state).toBe('unknown');
  });

  it('finds the Hugging Face cache where its variables say', async () => {
    const folders = { '/c/hub': ['models--a--b', 'models--c--d', 'datasets--e--f'] };
    const { facts } = await check('hugging-face', { folders }, { HF_HOME: '/c' });
    expect(facts).toMatchObject({ cache: '/c/hub', models: 2, token: null });
    const xdg = await check('hugging-face', {}, { XDG_CACHE_HOME: '/x' });
    expect(xdg.facts).toMatchObject({ cache: '/x/huggingface/hub', models: null });
    const own = await check('hugging-face', {}, { HF_HUB_CACHE: '/own', HF_HOME: '/c' });
    expect(own.facts).toMatchObject({ cache: '/own' });
  });

  it('knows where a token comes from', async () => {
    const file = '/u/.cache/huggingface/token';
    const stored = await check('hugging-face', { files: { [file]: 'hf_x\n' } });
    expect(stored).toMatchObject({ state: 'ok', facts: { token: file } });
    const empty = await check('hugging-face', { files: { [file]: '\n' } }, { HF_TOKEN: ' ' });
    expect(empty).toMatchObject({ state: 'missing', facts: { token: null } });
    const offline = await check('hugging-face', {}, { HF_TOKEN: 'hf_x', HF_HUB_OFFLINE: '1' });
    expect(offline.facts).toMatchObject({ token: 'HF_TOKEN', offline: true });
  });
});
