/** torchrun and PyTorch's distributed launcher: which rank failed, and how. */
import { ruleDialect } from '../rules.ts';

export const torchrun = ruleDialect({
  name: 'torchrun',
  needles: [
    'exitcode',
    'ChildFailedError',
    'Root Cause',
    'traceback :',
    '(SIG',
    'rank      :',
    'OMP_NUM_THREADS environment',
  ],
  rules: [
    { pattern: /Setting OMP_NUM_THREADS environment variable for each process/ },
    {
      pattern: /exitcode\s*: (-?\d+) \((?:local_rank: \d+\) of binary|pid: (\d+)\))/,
      facts: [
        { name: 'exitCode', unit: 'exit code' },
        { name: 'pid', unit: 'pid' },
      ],
      also: ([, code], log, line) => log.sign('state', code === '0' ? 'succeeded' : 'failed', line),
    },
    {
      pattern: /failed \(exitcode: (-?\d+)\) local_rank: (\d+) \(pid: (\d+)\)/,
      facts: [
        { name: 'exitCode', unit: 'exit code' },
        { name: 'localRank', unit: 'rank' },
        { name: 'pid', unit: 'pid' },
      ],
      sign: { kind: 'state', outcome: 'failed' },
    },
    {
      pattern: /^\s*rank\s*: (\d+) \(local_rank: (\d+)\)/,
      facts: [
        { name: 'rank', unit: 'rank' },
        { name: 'localRank', unit: 'rank' },
      ],
    },
    {
      pattern: /Signal (\d+) \((SIG\w+)\)/,
      facts: [{ name: 'signal', unit: 'signal' }, { name: 'signalName' }],
    },
    { pattern: /([\w.]*ChildFailedError)/, sign: { kind: 'error', outcome: 'failed' } },
  ],
});
