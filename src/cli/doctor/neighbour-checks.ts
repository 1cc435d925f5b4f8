/** What stands around: GPU, Slurm, fonts, Hugging Face. Nothing here is needed to start. */
import { join } from 'node:path';
import { parseGpuTable } from '../../record/nvidia-smi.ts';
import type { Check, Machine } from './machine.ts';

type Variables = Readonly<Record<string, string | undefined>>;

const GPU_QUERY = ['--query-gpu=name,memory.total,driver_version', '--format=csv,nounits'];

export async function checkGpu(machine: Machine): Promise<Check> {
  const id = 'gpu';
  const missing = machine.missingGpuPackages();
  const text = await machine.execute('nvidia-smi', GPU_QUERY);
  const gpus = parseGpuTable(text ?? '');
  const facts = { gpus, missing };
  if (gpus.length > 0) {
    const told = gpus.map(({ name, memoryBytes, driver }) => {
      const memory = memoryBytes === null ? '' : `, ${(memoryBytes / 2 ** 30).toFixed(1)} GiB`;
      return `${name}${memory}, driver ${driver ?? 'unknown'}`;
    });
    const first = missing.length > 0 ? ` First: apt-get install ${missing.join(' ')}.` : '';
    const advice = `The embedded engine runs on it with --device webgpu.${first}`;
    const state = missing.length > 0 ? 'limited' : 'ok';
    return { id, state, summary: told.join('; '), advice, facts };
  }
  const summary = text === null ? 'nvidia-smi does not answer' : 'nvidia-smi lists no GPU';
  const advice =
    'Not needed: the embedded engine runs on the CPU. nvidia-smi comes with the NVIDIA driver; ' +
    'other GPUs may still work with --device webgpu.';
  return { id, state: 'missing', summary, advice, facts };
}

export async function checkSlurm(machine: Machine): Promise<Check> {
  const id = 'slurm';
  const version = await machine.execute('sinfo', ['--version']);
  if (version === null) {
    const advice =
      'Not needed: experiments run on this machine. On a cluster, work on a node that has ' +
      'Slurm’s client commands (Debian: apt-get install slurm-client).';
    const summary = 'sinfo does not answer';
    return { id, state: 'missing', summary, advice, facts: { version: null } };
  }
  const name = version.trim();
  // One line a partition and state: `gpu* 4 idle`.
  const nodes = await machine.execute('sinfo', ['--noheader', '--format=%P %D %T']);
  const partitions = (nodes ?? '').split('\n').filter((line) => line.trim() !== '');
  const facts = { version: name, partitions };
  if (nodes === null) {
    const advice = 'The commands are here, but no controller answers: see `scontrol ping`.';
    return { id, state: 'limited', summary: `${name}, no controller`, advice, facts };
  }
  const summary = `${name}: ${partitions.join('; ') || 'no partitions'}`;
  return { id, state: 'ok', summary, advice: null, facts };
}

export async function checkFonts(machine: Machine): Promise<Check> {
  const id = 'fonts';
  const text = await machine.execute('fc-list', ['--format=%{file}\n']);
  const files = new Set((text ?? '').split('\n').filter((file) => /\.(?:ttf|otf)$/i.test(file)));
  const facts = { count: text === null ? null : files.size };
  if (files.size > 0) {
    return { id, state: 'ok', summary: `${files.size} TTF or OTF files`, advice: null, facts };
  }
  const summary = text === null ? 'fc-list is not installed' : 'no TTF or OTF font';
  const advice =
    'Only needed to turn charts into pictures, where text without a font is left out ' +
    '(Debian: apt-get install fontconfig fonts-dejavu-core).';
  return { id, state: text === null ? 'unknown' : 'missing', summary, advice, facts };
}

/** Presence alone: the token's value goes nowhere, not even into the facts. */
export function checkHuggingFace(machine: Machine, env: Variables): Check {
  const home =
    env.HF_HOME ?? join(env.XDG_CACHE_HOME ?? join(machine.home, '.cache'), 'huggingface');
  const cache = env.HF_HUB_CACHE ?? env.HUGGINGFACE_HUB_CACHE ?? join(home, 'hub');
  const models = machine.list(cache)?.filter((name) => name.startsWith('models--')).length ?? null;
  const token = tokenSource(machine, { env, home });
  const offline = /^(?:1|true|yes|on)$/i.test(env.HF_HUB_OFFLINE ?? '');
  const facts = { cache, models, token, offline };
  const cached = models === null ? `no cache at ${cache}` : `${models} models cached in ${cache}`;
  const told = token === null ? 'no token' : `a token from ${token}`;
  const summary = `${cached}, ${told}${offline ? ', offline by HF_HUB_OFFLINE' : ''}`;
  if (token !== null) {
    return { id: 'hugging-face', state: 'ok', summary, advice: null, facts };
  }
  const advice =
    'Only gated and private models need a token: set HF_TOKEN, or write it to ' +
    `${join(home, 'token')}. The built-in models need neither a token nor a network.`;
  return { id: 'hugging-face', state: 'missing', summary, advice, facts };
}

function tokenSource(
  machine: Machine,
  { env, home }: { env: Variables; home: string },
): string | null {
  for (const name of ['HF_TOKEN', 'HUGGING_FACE_HUB_TOKEN']) {
    if (env[name]?.trim()) return name;
  }
  const path = env.HF_TOKEN_PATH ?? join(home, 'token');
  return machine.readText(path)?.trim() ? path : null;
}
