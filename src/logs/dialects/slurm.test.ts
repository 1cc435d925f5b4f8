import { describe, expect, it } from 'vitest';
import { logFile } from '../log-file.ts';
import { scanBytes } from '../scan-file.ts';

const read = (text: string, path = 'job.log') => {
  const scan = scanBytes(Buffer.from(text), path);
  return logFile({ path, modifiedMs: 0, scan, findings: [] }, () => null);
};
const factsOf = (text: string) =>
  Object.fromEntries(Object.entries(read(text).facts).map(([name, fact]) => [name, fact.value]));

const PROLOG = `========
JobID = 4711
User = u1, Account = acc
Partition = big, Nodelist = node7
========
`;
const EPILOG = `============ Job Information ======
Submitted: 2025-03-01T08:00:00
Started: 2025-03-01T10:00:00
Ended: 2025-03-01T10:05:22
Elapsed: 6 min, Limit: 720 min, Difference: 714 min
CPUs: 64, Nodes: 1
Estimated Consumption: 105.00 core-hours
`;

describe('slurm', () => {
  it('takes the duration from start and end, never from the rounded minutes', () => {
    const file = read(PROLOG + EPILOG);
    expect(file).toMatchObject({
      ...{ jobId: '4711', jobIdFrom: 'content', host: 'node7', durationS: 322 },
      ...{ durationFrom: 'epilog', startedAt: '2025-03-01T10:00:00', outcome: 'unknown' },
    });
    expect(factsOf(PROLOG + EPILOG)).toMatchObject({
      ...{ 'slurm.elapsedRoundedUp': 6, 'slurm.limit': 720, 'slurm.billed': 105 },
      ...{ 'slurm.cpus': 64, 'slurm.partition': 'big' },
    });
  });

  it('has an unfinished job where a prolog has no epilog', () => {
    expect(read(PROLOG)).toMatchObject({ outcome: 'unfinished', durationS: null });
  });

  it('says when the name and the content disagree on the job', () => {
    expect(read(PROLOG, 'train_12345.log').findings).toMatchObject([{ code: 'job-id-disagrees' }]);
    expect(read(PROLOG, 'train_20250301.log').findings).toEqual([]);
  });

  it.each([
    ['*** JOB 31 ON n1 CANCELLED AT 2020-07-11T22:48:26 DUE TO TIME LIMIT ***', 'timed-out'],
    ['*** STEP 31.0 ON n1 CANCELLED AT 2020-07-11T22:48:26 DUE TO NODE FAILURE ***', 'failed'],
    ['*** JOB 31 ON n1 CANCELLED AT 2020-07-11T22:48:26 ***', 'cancelled'],
    ['slurmstepd: error: Detected 1 oom_kill event in StepId=31.0. Some', 'out-of-memory'],
    ['slurmstepd: error: Detected 2 oom-kill event(s) in step 31.0 cgroup.', 'out-of-memory'],
    ['srun: error: n1: task 0: Exited with exit code 1', 'failed'],
  ])('%s', (line, outcome) => {
    const file = read(`started\n${line}\nAll done.\n`);
    expect(file).toMatchObject({ outcome, outcomeEvidence: { line: 2 } });
    if (!line.startsWith('srun')) expect(file.jobId).toBe('31');
  });

  it.each([
    ['2355542|job|acc|part|2|COMPLETED|0:0', 'succeeded'],
    ['2355542|job||part|2|FAILED|1:0|', 'failed'],
    ['123_4|job|acc|part|2|TIMEOUT|0:0', 'timed-out'],
    ['2355542+1|job|acc|part|2|OUT_OF_MEMORY|0:125', 'out-of-memory'],
    ['2355542|job|acc|part|2|CANCELLED by 2477195|0:0', 'cancelled'],
    ['2355542|job|acc|part|2|RUNNING|0:0', 'unknown'],
    ['2355542|job|acc|part|2|COMPLETED|1:0', 'failed'],
  ])('sacct %s', (row, outcome) => {
    const header = 'JobID|JobName|Account|Partition|AllocCPUS|State|ExitCode';
    for (const text of [`${header}\n${row}\n`, `${row}\n`])
      expect(read(text).outcome).toBe(outcome);
  });

  it('sacct in columns, with words that were cut', () => {
    const head =
      'JobID           JobName  Partition    Account  AllocCPUS      State ExitCode \n' +
      '------------ ---------- ---------- ---------- ---------- ---------- -------- \n';
    const row = (id: string, state: string, exit: string) =>
      `${id.padEnd(12)} ${'bash'.padStart(10)}       part        acc          2 ${state.padStart(10)} ${exit.padStart(8)} \n`;
    expect(read(head + row('4711', 'FAILED', '1:0')).outcome).toBe('failed');
    expect(read(head + row('4711', 'OUT_OF_ME+', '0:125')).outcome).toBe('out-of-memory');
    expect(read(head + row('4711', 'CANCELLED+', '0:0')).outcome).toBe('cancelled');
  });

  it('a table of many jobs is the log of none', () => {
    const rows = '7001|j|a|p|2|COMPLETED|0:0\n7002|j|a|p|2|FAILED|1:0\n';
    expect(read(rows)).toMatchObject({ outcome: 'unknown', jobId: null });
    expect(factsOf(rows)).toMatchObject({ 'slurm.rows.FAILED': 1, 'slurm.exit.7002': '1:0' });
  });

  it('a batch step decides where the row of the job is missing', () => {
    expect(read('2355542.batch|batch||part|2|FAILED|1:0\n').outcome).toBe('failed');
  });

  it('takes the times of an accounting row', () => {
    const text =
      'JobID|State|ExitCode|Start|End\n' +
      '7001|COMPLETED|0:0|2025-03-01T10:00:00|2025-03-01T10:05:22\n';
    expect(read(text)).toMatchObject({ durationS: 322, durationFrom: 'accounting' });
  });

  it('does not take a failed step for a failed job', () => {
    const rows = '7001|j|a|p|2|COMPLETED|0:0\n7001.batch|batch||p|2|FAILED|1:0\n';
    expect(read(rows)).toMatchObject({ outcome: 'succeeded', jobId: '7001' });
    expect(factsOf(rows)).toMatchObject({ 'slurm.exit.7001.batch': '1:0' });
  });
});
