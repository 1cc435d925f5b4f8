import { spawn } from 'node:child_process';
import { describe, expect, test } from 'vitest';
import { ContentionMeter, type MachineTimes, machineTimes } from './contention.ts';

const STAT = 'cpu  1000 10 200 5000 40 5 6 70 300 0\ncpu0 500 5 100 2500 20 2 3 35 150 0\n';

/** pid (name) state ppid … utime stime cutime cstime, where the kernel puts them. */
function stat(pid: number, of: { parent: number; own: number; buried?: number; name?: string }) {
  const before = `${pid} (${of.name ?? 'node'}) S ${of.parent} 1 1 0 -1 0 0 0 0 0`;
  return `${before} ${of.own} 0 ${of.buried ?? 0} 0 20 0 1 0 100 0 0`;
}

describe('times of the machine', () => {
  const files: Record<string, string> = {
    '/proc/stat': STAT,
    '/proc/10/stat': stat(10, { parent: 1, own: 7, buried: 20, name: 'a) b (c' }),
    '/proc/11/stat': stat(11, { parent: 10, own: 30 }),
    '/proc/12/stat': stat(12, { parent: 11, own: 400 }),
    '/proc/13/stat': stat(13, { parent: 1, own: 9_000 }),
  };
  const read = (path: string) => files[path] ?? null;

  test('busy time without idle, waiting and steal; our tree with its buried children', () => {
    const times = machineTimes(10, { read, pids: [10, 11, 12, 13, 14] });
    expect(times).toEqual({
      busyMs: (1_000 + 10 + 200 + 5 + 6) * 10,
      stealMs: 700,
      ownMs: (7 + 20 + 30 + 400) * 10,
    });
  });

  test('a circle of parents ends', () => {
    const circle: Record<string, string> = {
      '/proc/stat': STAT,
      '/proc/20/stat': stat(20, { parent: 21, own: 1 }),
      '/proc/21/stat': stat(21, { parent: 20, own: 1 }),
    };
    const times = machineTimes(10, { read: (path) => circle[path] ?? null, pids: [20, 21] });
    expect(times.ownMs).toBe(0);
  });

  test('unknown where there is no /proc', () => {
    expect(machineTimes(1, { read: () => null, pids: [] })).toEqual({
      busyMs: null,
      stealMs: null,
      ownMs: 0,
    });
  });

  test.runIf(process.platform === 'linux')('a child of ours is ours', async () => {
    const work = 'const end = Date.now() + 300; while (Date.now() < end);';
    const before = machineTimes(process.pid);
    await new Promise((done) => spawn(process.execPath, ['-e', work]).on('close', done));
    const after = machineTimes(process.pid);
    expect(after.ownMs - before.ownMs).toBeGreaterThanOrEqual(100);
    expect(after.busyMs! - before.busyMs!).toBeGreaterThan(0);
  });
});

describe('what others took', () => {
  function meter(readings: readonly Partial<MachineTimes>[]): ContentionMeter {
    let next = 0;
    return new ContentionMeter(() => {
      return { busyMs: 0, stealMs: 0, ownMs: 0, ...readings[next++] };
    });
  }

  test('busy time less our own, and steal', () => {
    const one = meter([
      { busyMs: 100, ownMs: 50, stealMs: 5 },
      { busyMs: 400, ownMs: 250, stealMs: 25 },
    ]);
    one.start();
    expect(one.stop()).toMatchObject({ othersMs: 100, stealMs: 20 });
  });

  test('noise of single ticks does not add up', () => {
    const ticks = Array.from({ length: 100 }, (_, i) => (i % 2 === 0 ? 10 : -10));
    // Up and down again, slice by slice: busy for 10 ms too long, then as much too short.
    const readings = ticks.flatMap((tick) =>
      tick > 0 ? [{ busyMs: 0 }, { busyMs: 10 }] : [{ busyMs: 10 }, { busyMs: 0 }],
    );
    const one = meter(readings);
    let total = 0;
    for (const _ of ticks) {
      one.start();
      total += one.stop().othersMs!;
    }
    expect(total).toBe(10);
  });

  test('null where the system does not tell', () => {
    const one = meter([
      { busyMs: null, stealMs: null },
      { busyMs: null, stealMs: null },
    ]);
    one.start();
    expect(one.stop()).toMatchObject({ othersMs: null, stealMs: null });
  });
});
