import { describe, expect, test } from 'vitest';
import { availableMemory, scratchSpace } from './available-memory.ts';

const MEMINFO = 'MemTotal:  24000000 kB\nMemAvailable:   16000000 kB\n';
const reader = (files: Record<string, string>) => (path: string) => files[path] ?? null;

describe('available memory', () => {
  test('of a machine without control groups', () => {
    const got = availableMemory(reader({ '/proc/meminfo': MEMINFO }));
    expect(got).toEqual({ bytes: 16_384_000_000, from: 'MemAvailable of this machine' });
  });

  test('a v2 group above this one limits, and dropped cache is not usage', () => {
    const got = availableMemory(
      reader({
        '/proc/meminfo': MEMINFO,
        '/proc/self/cgroup': '0::/job/step\n',
        '/sys/fs/cgroup/job/step/memory.max': 'max\n',
        '/sys/fs/cgroup/job/memory.max': '1000000\n',
        '/sys/fs/cgroup/job/memory.current': '700000\n',
        '/sys/fs/cgroup/job/memory.stat': 'anon 1\ninactive_file 200000\n',
      }),
    );
    expect(got.bytes).toBe(500_000);
    expect(got.from).toContain('/sys/fs/cgroup/job');
  });

  test('a v1 group', () => {
    const got = availableMemory(
      reader({
        '/proc/meminfo': MEMINFO,
        '/proc/self/cgroup': '5:cpu,cpuacct:/x\n4:memory:/slurm/job_1\n',
        '/sys/fs/cgroup/memory/slurm/job_1/memory.limit_in_bytes': '900000\n',
        '/sys/fs/cgroup/memory/slurm/job_1/memory.usage_in_bytes': '100000\n',
        '/sys/fs/cgroup/memory/memory.limit_in_bytes': '9223372036854771712\n',
      }),
    );
    expect(got.bytes).toBe(800_000);
  });

  test('in a container the root of its own view counts', () => {
    const got = availableMemory(
      reader({
        '/proc/meminfo': MEMINFO,
        '/proc/self/cgroup': '0::/../../outside\n',
        '/sys/fs/cgroup/memory.max': '4096\n',
        '/sys/fs/cgroup/memory.current': '8192\n',
      }),
    );
    expect(got.bytes).toBe(0);
  });

  test.runIf(process.platform === 'linux')('this machine says something', () => {
    expect(availableMemory().bytes).toBeGreaterThan(0);
    expect(scratchSpace().freeBytes).toBeGreaterThan(0);
    expect(scratchSpace('/dev/shm').inMemory).toBe(true);
  });
});
