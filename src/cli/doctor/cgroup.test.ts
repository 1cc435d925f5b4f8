import { describe, expect, it } from 'vitest';
import { readCgroupLimits } from './cgroup.ts';

function limits(files: Record<string, string>) {
  return readCgroupLimits({ readText: (path) => files[path] ?? null });
}

describe('readCgroupLimits', () => {
  it('finds none where there are no groups', () => {
    expect(limits({})).toEqual({ memoryBytes: null, cores: null });
  });

  it('takes the tightest v2 limit of the group and its parents', () => {
    expect(
      limits({
        '/proc/self/cgroup': '0::/jobs/a\n',
        '/sys/fs/cgroup/jobs/a/memory.max': 'max\n',
        '/sys/fs/cgroup/jobs/memory.max': '4294967296\n',
        '/sys/fs/cgroup/memory.max': '8589934592\n',
        '/sys/fs/cgroup/jobs/a/cpu.max': '150000 100000\n',
        '/sys/fs/cgroup/jobs/cpu.max': 'max 100000\n',
      }),
    ).toEqual({ memoryBytes: 2 ** 32, cores: 1.5 });
  });

  it('reads the root that a container sees as its own', () => {
    expect(
      limits({ '/proc/self/cgroup': '0::/\n', '/sys/fs/cgroup/memory.max': '1073741824\n' }),
    ).toEqual({ memoryBytes: 2 ** 30, cores: null });
  });

  it('reads v1, where no limit is a huge number and −1', () => {
    const groups = '4:memory:/box\n2:cpu,cpuacct:/box\n1:name=systemd:/\n0::/\n';
    expect(
      limits({
        '/proc/self/cgroup': groups,
        '/sys/fs/cgroup/memory/memory.limit_in_bytes': '9223372036854771712\n',
        '/sys/fs/cgroup/memory/box/memory.limit_in_bytes': '2147483648\n',
        '/sys/fs/cgroup/cpu,cpuacct/box/cpu.cfs_quota_us': '50000\n',
        '/sys/fs/cgroup/cpu,cpuacct/box/cpu.cfs_period_us': '100000\n',
        '/sys/fs/cgroup/cpu/cpu.cfs_quota_us': '-1\n',
        '/sys/fs/cgroup/cpu/cpu.cfs_period_us': '100000\n',
      }),
    ).toEqual({ memoryBytes: 2 ** 31, cores: 0.5 });
  });

  it('takes nonsense for no limit', () => {
    expect(
      limits({
        '/proc/self/cgroup': 'what\n0::/\n',
        '/sys/fs/cgroup/memory.max': '12 GB\n',
        '/sys/fs/cgroup/cpu.max': '1 0\n',
      }),
    ).toEqual({ memoryBytes: null, cores: null });
  });
});
