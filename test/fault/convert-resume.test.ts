/** A conversion of several files that is killed after the first: the next one goes on behind it. */
import { spawn } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { sha256Hex } from '../../src/record/canonical.ts';
import { openSafetensors } from '../../src/weights/safetensors.ts';
import { writeSafetensors } from '../../src/weights/safetensors-write.ts';
import { entryPath } from '../support/built-command.ts';
import { writeSmallCheckpoint } from '../support/small-checkpoint.ts';

let dir: string;

/** Four files of some megabytes each. */
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'assay-convert-resume-'));
  const config = { hidden_size: 1024, intermediate_size: 2816, num_hidden_layers: 2 };
  const whole = writeSmallCheckpoint(join(dir, 'whole-model'), { config });
  mkdirSync(join(dir, 'model'));
  writeFileSync(join(dir, 'model/config.json'), readFileSync(join(whole, 'config.json')));
  const source = openSafetensors(join(whole, 'model.safetensors'));
  const weight_map: Record<string, string> = {};
  for (let shard = 0; shard < 4; shard++) {
    const file = `part-${shard}.safetensors`;
    const names = source.names.filter((_, i) => i % 4 === shard);
    for (const name of names) weight_map[name] = file;
    const tensors = names.map((name) => ({ ...source.info(name), data: source.read(name) }));
    writeSafetensors(join(dir, 'model', file), tensors);
  }
  source.close();
  const index = { metadata: {}, weight_map };
  writeFileSync(join(dir, 'model/model.safetensors.index.json'), JSON.stringify(index));
});
afterAll(() => rmSync(dir, { recursive: true }));

function quantize(out: string, workers: string) {
  const how = ['--scheme', 'int4-asym-g128', '--format', 'gptq', '--workers', workers];
  const args = [entryPath, 'weights', 'quantize', 'model', out, ...how];
  return spawn(process.execPath, args, { cwd: dir, stdio: 'ignore' });
}

const ended = (child: ReturnType<typeof quantize>): Promise<number | null> =>
  new Promise((done) => child.once('exit', done));

const whole = (): string[] =>
  existsSync(join(dir, 'out.partial'))
    ? readdirSync(join(dir, 'out.partial')).filter((name) => name.endsWith('.safetensors'))
    : [];

/** Kills a conversion when at least one of its files is whole. @returns those files */
async function killMidway(workers: string): Promise<string[]> {
  const child = quantize('out', workers);
  const exit = ended(child);
  while (whole().length === 0 && child.exitCode === null) await sleep(1);
  child.kill('SIGKILL');
  await exit;
  return whole();
}

function written(): string[] {
  const runs = join(dir, 'runs/weights/quantize');
  const last = readdirSync(runs).sort().at(-1)!;
  const { findings } = JSON.parse(readFileSync(join(runs, last, 'manifest.json'), 'utf8'));
  const found = findings.find(({ code }: { code: string }) => code === 'conversion-resumed');
  return found?.evidence.files ?? [];
}

it.each(['0', '2'])('%s workers: whole files stay, and the bytes are the same', async (workers) => {
  const reference = `reference-${workers}`;
  expect(await ended(quantize(reference, workers))).toBe(0);
  const names = readdirSync(join(dir, reference));
  const bytes = (of: string) => names.map((name) => sha256Hex(readFileSync(join(dir, of, name))));
  const kept = await killMidway(workers);
  if (existsSync(join(dir, 'out'))) {
    console.log('ended before it could be killed');
  } else {
    const before = kept.map((name) => statSync(join(dir, 'out.partial', name)).mtimeMs);
    expect(await ended(quantize('out', workers))).toBe(0);
    expect(written()).toEqual(kept);
    expect(kept.map((name) => statSync(join(dir, 'out', name)).mtimeMs)).toEqual(before);
  }
  expect(bytes('out')).toEqual(bytes(reference));
  expect(readdirSync(join(dir, 'out'))).toEqual(names);
  rmSync(join(dir, 'out'), { recursive: true });
});

it('what was whole and was changed since is found, and what is of another input starts over', async () => {
  for (const change of ['byte', 'input'] as const) {
    const kept = await killMidway('0');
    if (kept.length === 0) continue;
    const path = join(dir, 'out.partial', kept[0]!);
    const bytes = readFileSync(path);
    bytes[bytes.length - 1]! ^= 1;
    writeFileSync(path, bytes);
    const input = join(dir, 'model/part-0.safetensors');
    if (change === 'input') utimesSync(input, new Date(), new Date());
    expect(await ended(quantize('out', '0'))).toBe(change === 'byte' ? 6 : 0);
    expect(existsSync(join(dir, 'out'))).toBe(change === 'input');
    expect(existsSync(join(dir, 'out.partial'))).toBe(false);
  }
});
