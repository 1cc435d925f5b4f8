/**
 * Slurm: what sites print before and after a job, the step daemon's complaints, and `sacct -P`.
 * The epilog's "Elapsed" is rounded up to whole minutes, so it is never used as a duration.
 */
import type { Dialect, DialectLog } from '../dialect.ts';
import type { LogLine } from '../log-line.ts';
import { AccountingTable } from '../slurm-accounting.ts';

const ISO = String.raw`(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)`;
const JOB = /\b(?:SLURM_)?job[ _]?id\s*[:=]\s*(\d+(?:[_+]\d+)?)\b/i;
const PLACE = /^\s*(Partition|Nodelist|NodeList|Account)\s*=\s*(\S+?)(?:,|$)|,\s*Nodelist = (\S+)/;
const TIMES = new RegExp(String.raw`^\s*(Submitted|Started|Ended)\s*:\s*${ISO}\s*$`);
const LIMIT = /\bElapsed: (\d+) min, Limit: (\d+) min/;
const HARDWARE = /^\s*CPUs: (\d+), Nodes: (\d+)/;
const BILLED = /Estimated Consumption: ([\d.]+) core-hours/;
const CANCELLED = new RegExp(
  String.raw`\*\*\* (?:JOB|STEP) (\d+)(?:\.\w+)? ON (\S+) CANCELLED AT ${ISO}` +
    String.raw`(?: DUE TO ([A-Z ]+?))? ?\*\*\*`,
);
const OOM = /(?:oom[_-]kill|Exceeded (?:job|step) memory limit|out-of-memory handler)/;
const OOM_JOB = /(?:StepId=|step |StepID=|JobId=)(\d+)/;
const SRUN = /^(?:srun|slurmstepd): error: .{0,300}?Exited with exit code (\d+)/;

export const slurm: Dialect = {
  name: 'slurm',
  needles: [
    ...['JobID', 'Job ID', 'JOB_ID', 'JobId', 'job id', 'Partition = ', 'Nodelist', 'Node: '],
    ...['Started: ', 'Ended: ', 'Elapsed: ', 'CPUs: ', 'Consumption: ', ' CANCELLED AT '],
    ...['oom_kill', 'oom-kill', 'memory limit', 'Exited with exit code', 'DUE TO'],
    ...[
      '|COMPLETED|',
      '|FAILED|',
      '|TIMEOUT|',
      '|OUT_OF_ME',
      '|NODE_FAIL|',
      '|CANCELLED',
      '|PREEMPTED|',
    ],
    ...[
      '|RUNNING|',
      'JobID|',
      'Job Information',
      ' COMPLETED ',
      ' FAILED ',
      ' TIMEOUT ',
      ' RUNNING ',
    ],
    ...[' OUT_OF_ME', ' CANCELLED', ' NODE_FAIL '],
  ],
  open: (log) => {
    const table = new AccountingTable(log);
    return {
      line(line) {
        if (table.line(line)) return;
        const { text } = line;
        prolog(text, log, line);
        epilog(text, log, line);
        trouble(text, log, line);
      },
      end: () => table.end(),
    };
  },
};

function prolog(text: string, log: DialectLog, line: LogLine): void {
  const job = JOB.exec(text)?.[1];
  if (job !== undefined) {
    log.jobId(job, line);
    log.fact('jobId', job, line);
    if (/^\s*JobID = /.test(text)) log.sign('running', 'unfinished', line);
  }
  const node =
    /^\s*Node: (\S+)\s*$/.exec(text)?.[1] ?? /Nodelist\s*=\s*([\w.[\],-]+)/.exec(text)?.[1];
  if (node !== undefined) {
    log.host(node);
    log.fact('nodes', node, line);
  }
  const partition = PLACE.exec(text);
  if (partition?.[1] === 'Partition') log.fact('partition', partition[2] as string, line);
}

function epilog(text: string, log: DialectLog, line: LogLine): void {
  const time = TIMES.exec(text);
  if (time) {
    const which = (time[1] as string).toLowerCase();
    log.fact(which, time[2] as string, line);
    if (which !== 'submitted') log.epilog(which as 'started' | 'ended', time[2] as string, line);
    return;
  }
  const limit = LIMIT.exec(text);
  if (limit) {
    // Rounded up by the site's script: a number to quote, not to compute with.
    log.fact('elapsedRoundedUp', Number(limit[1]), line, { unit: 'min' });
    log.fact('limit', Number(limit[2]), line, { unit: 'min' });
  }
  const hardware = HARDWARE.exec(text);
  if (hardware) {
    log.fact('cpus', Number(hardware[1]), line);
    log.fact('nodeCount', Number(hardware[2]), line);
  }
  const billed = BILLED.exec(text)?.[1];
  if (billed !== undefined) log.fact('billed', Number(billed), line, { unit: 'core-hours' });
}

function trouble(text: string, log: DialectLog, line: LogLine): void {
  const cancelled = CANCELLED.exec(text);
  if (cancelled) {
    const [, job, node, at, cause] = cancelled;
    log.jobId(job as string, line);
    log.host(node as string);
    log.fact('cancelledAt', at as string, line);
    log.epilog('ended', at as string, line);
    if (cause !== undefined) log.fact('cancelledDueTo', cause, line);
    const outcome =
      cause === 'TIME LIMIT' ? 'timed-out' : cause === 'NODE FAILURE' ? 'failed' : 'cancelled';
    log.sign('state', outcome, line);
    return;
  }
  if (OOM.test(text)) {
    const job = OOM_JOB.exec(text)?.[1];
    if (job !== undefined) log.jobId(job, line);
    log.count('oomKills', line);
    log.sign('state', 'out-of-memory', line);
    return;
  }
  const exited = SRUN.exec(text);
  if (exited) {
    log.fact('exitCode', Number(exited[1]), line);
    log.sign('state', exited[1] === '0' ? 'succeeded' : 'failed', line);
  }
}
