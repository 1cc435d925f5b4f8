import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { captureEnvironment } from '../record/environment.ts';
import { labAt } from '../record/lab.ts';
import { type RecordOptions, recordCommand, TIMES_FILE } from './record-command.ts';

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'assay-exec-'));
});
afterEach(() => {
  rmSync(root, { recursive: true, force: true });
});

const packageRoot = join(import.meta.dirname, '../..');

async function record(command: string[], more: Partial<RecordOptions> = {}) {
  const shown = { stdout: [] as Buffer[], stderr: [] as Buffer[] };
  const recorded = await recordCommand({
    lab: labAt(root),
    command,
    name: 'test',
    cwd: root,
    env: process.env,
    argv: ['assay', 'exec', '--', ...command],
    environment: await captureEnvironment({ packageRoot, env: {} }),
    live: {
      stdout: { write: (bytes) => shown.stdout.push(Buffer.from(bytes)) },
      stderr: { write: (bytes) => shown.stderr.push(Buffer.from(bytes)) },
    },
    onSignal: () => {},
    ...more,
  });
  const read = (name: string): Buffer => readFileSync(join(recorded.dir, name));
  return { ...recorded, read, shown };
}

const node = (script: string): string[] => [process.execPath, '-e', script];

describe('a recorded command', () => {
  it('keeps its output byte for byte, and shows it meanwhile', async () => {
    const bytes = 'Buffer.from(Array.from({ length: 100000 }, (_, i) => (i * 7) % 256))';
    const script = `process.stdout.write(${bytes}); process.stderr.write(Buffer.from([0, 255, 13]))`;
    const { manifest, read, shown, status } = await record(node(script));
    const expected = Buffer.from(Array.from({ length: 100_000 }, (_, i) => (i * 7) % 256));
    expect(read('run.log').equals(expected)).toBe(true);
    expect(Buffer.concat(shown.stdout).equals(expected)).toBe(true);
    expect([...read('run.err')]).toEqual([0, 255, 13]);
    expect(Buffer.concat(shown.stderr)).toEqual(read('run.err'));
    expect({ status, recorded: manifest.status }).toEqual({ status: 0, recorded: 'succeeded' });
  });

  it('goes on, and is recorded, when nobody watches any more', async () => {
    const live = new PassThrough({ highWaterMark: 1 });
    live.once('error', () => {});
    const script = "for (let i = 0; i < 20000; i++) console.log('line ' + i)";
    // The first write asks it to wait for a reader that then is gone.
    const leave = setTimeout(() => live.emit('error', new Error('EPIPE')), 100);
    const { manifest, read } = await record(node(script), {
      live: { stdout: live, stderr: { write: () => true } },
    });
    clearTimeout(leave);
    expect(manifest.status).toBe('succeeded');
    expect(read('run.log').toString().split('\n')).toHaveLength(20_001);
  });

  it('has an index of when which bytes came', async () => {
    const script = "console.log('one'); setTimeout(() => console.error('two'), 50)";
    const { read } = await record(node(script));
    const [header, ...rows] = read(TIMES_FILE).toString().trim().split('\n');
    expect(header).toBe('ms,stream,end');
    expect(rows.map((row) => row.split(',').slice(1))).toEqual([
      ['log', '4'],
      ['err', '4'],
    ]);
    const [first = 0, second = 0] = rows.map((row) => Number(row.split(',')[0]));
    expect(second).toBeGreaterThan(first);
  });

  it('records exit status, duration, CPU time and memory as a row and as metrics', async () => {
    // Long enough to be looked at, also on a machine that is busy.
    const work = 'const a = Buffer.alloc(5e7, 1); const end = Date.now() + 1500;';
    const { manifest, read, metrics, status } = await record(
      node(`${work} while (Date.now() < end); process.exit(a[0] + 6)`),
    );
    expect({ status, reason: manifest.reason }).toEqual({ status: 7, reason: 'exit status 7' });
    const row = JSON.parse(read('samples.jsonl').toString());
    expect(row).toMatchObject({ kind: 'process', exitStatus: 7, signal: null });
    expect(metrics.durationSeconds?.value).toBeCloseTo(row.wallMs / 1000, 6);
    expect(metrics.cpuSeconds?.value).toBeGreaterThan(0);
    expect(metrics.peakMemoryBytes?.value).toBeGreaterThan(5e7);
  });

  it('names the signal that ended it', async () => {
    const { manifest, status } = await record(['sh', '-c', 'kill -9 $$']);
    expect({ status, reason: manifest.reason }).toEqual({
      status: 137,
      reason: 'ended by SIGKILL',
    });
  });

  it('hands a signal on, waits for the end, and says that it was asked', async () => {
    let send: (signal: NodeJS.Signals) => void = () => {};
    const script =
      "process.on('SIGTERM', () => { console.log('bye'); process.exit(3) });" +
      "setInterval(() => {}, 1000); console.log('ready')";
    const { manifest, read, status } = await record(node(script), {
      onSignal: (handler) => {
        send = handler;
      },
      live: { stdout: { write: () => send('SIGTERM') }, stderr: { write: () => true } },
    });
    expect(read('run.log').toString()).toContain('bye');
    expect(manifest).toMatchObject({ status: 'cancelled', reason: 'exit status 3 after SIGTERM' });
    expect(manifest.findings).toMatchObject([{ code: 'interrupted' }]);
    expect(status).toBe(3);
  });

  it('hands a signal to all that the command started', async () => {
    let send: (signal: NodeJS.Signals) => void = () => {};
    const inner = "trap 'echo told; exit' TERM; echo ready; while :; do sleep 0.05; done";
    const { manifest, read } = await record(['sh', '-c', `(${inner}) & wait`], {
      onSignal: (handler) => {
        send = handler;
      },
      live: {
        stdout: { write: (bytes) => /ready/.test(`${bytes}`) && send('SIGTERM') },
        stderr: { write: () => true },
      },
    });
    expect(read('run.log').toString()).toBe('ready\ntold\n');
    expect(manifest).toMatchObject({
      status: 'cancelled',
      reason: 'ended by SIGTERM after SIGTERM',
    });
  });

  it('says of a command that ends well when it is told to that it was told', async () => {
    let send: (signal: NodeJS.Signals) => void = () => {};
    const script =
      "process.on('SIGINT', () => process.exit(0)); setInterval(() => {}, 1000);" +
      "console.log('ready')";
    const { manifest, status } = await record(node(script), {
      onSignal: (handler) => {
        send = handler;
      },
      live: { stdout: { write: () => send('SIGINT') }, stderr: { write: () => true } },
    });
    expect(status).toBe(0);
    expect(manifest).toMatchObject({
      status: 'succeeded',
      reason: 'exit status 0 after SIGINT',
      findings: [{ code: 'interrupted' }],
    });
  });

  it('is a failed run when it cannot be started', async () => {
    const { manifest, status } = await record(['./no-such-program']);
    expect(manifest).toMatchObject({ status: 'failed' });
    expect(manifest.reason).toContain('ENOENT');
    expect(status).toBe(127);
  });

  it('says when the output speaks against exit status 0', async () => {
    const traceback = 'Traceback (most recent call last):\\n  File "a"\\nKeyError: 7';
    const { manifest, logs } = await record(node(`console.error('${traceback}')`));
    expect(manifest.status).toBe('succeeded');
    expect(manifest.findings).toMatchObject([{ code: 'log-contradicts-exit' }]);
    const facts = logs.files.find(({ path }) => path === 'run.err')?.facts;
    expect(facts).toMatchObject({ 'python.cause': { value: 'KeyError: 7' } });
  });

  it('reads the GPUs meanwhile, where nvidia-smi is there', async () => {
    const bin = join(root, 'bin');
    mkdirSync(bin);
    const header = 'index, utilization.gpu [%], memory.used [MiB], power.draw [W]';
    const smi = `#!/bin/sh\necho '${header}'\nwhile :; do echo '0, 40 %, 1024 MiB, 200.00 W'; sleep 0.2; done\n`;
    writeFileSync(join(bin, 'nvidia-smi'), smi, { mode: 0o755 });
    const env = { ...process.env, PATH: `${bin}:${process.env.PATH}` };
    const { metrics, read } = await record(node('setTimeout(() => {}, 500)'), { env });
    expect(read('gpu.jsonl').toString()).toContain('"kind":"gpu"');
    expect(metrics.gpuUtilization?.value).toBeCloseTo(0.4, 12);
    expect(metrics.gpuPowerW?.value).toBeCloseTo(200, 9);
    expect(metrics.gpuPeakMemoryBytes?.value).toBe(2 ** 30);
  });

  it('hides secrets of its command line, and names those in its output', async () => {
    const env = { ...process.env, MY_API_KEY: 'sekret-0123456789' };
    const { manifest, dir } = await record(node('console.log(process.env.MY_API_KEY)'), { env });
    expect(manifest.findings).toMatchObject([{ code: 'secret-in-output', place: 'run.log' }]);
    const others = readdirSync(dir).filter((name) => name !== 'run.log');
    for (const name of others) {
      expect(readFileSync(join(dir, name), 'utf8')).not.toContain('sekret-0123456789');
    }
  });
});
