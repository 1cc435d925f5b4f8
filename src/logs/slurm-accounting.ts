/**
 * Tables of `sacct`: `-P` with pipes (`-p` with one more at the end), or columns of fixed width,
 * which cut long words (`OUT_OF_ME+`, `CANCELLED+`). One job decides how a log ended; a table of
 * many jobs is the log of none.
 */
import type { DialectLog } from './dialect.ts';
import type { Outcome } from './log-index.ts';
import type { LogLine } from './log-line.ts';

const OUTCOMES: Readonly<Record<string, Outcome>> = {
  COMPLETED: 'succeeded',
  FAILED: 'failed',
  NODE_FAIL: 'failed',
  BOOT_FAIL: 'failed',
  TIMEOUT: 'timed-out',
  DEADLINE: 'timed-out',
  OUT_OF_MEMORY: 'out-of-memory',
  'OUT_OF_ME+': 'out-of-memory',
  CANCELLED: 'cancelled',
  'CANCELLED+': 'cancelled',
  PREEMPTED: 'cancelled',
  RUNNING: 'unfinished',
  PENDING: 'unfinished',
};
const ID = /^(\d+(?:_\d+)?(?:\+\d+)?)(\.\w+)?$/;
const EXIT = /^\d+:\d+$/;

interface Row {
  readonly job: string;
  /** `.batch`, `.0`; undefined for the row of the job itself. */
  readonly step: string | undefined;
  readonly state: string;
  readonly exit: string | undefined;
  readonly times: Readonly<Partial<Record<'started' | 'ended', string>>>;
}

export class AccountingTable {
  readonly #log: DialectLog;
  #header: readonly string[] | null = null;
  readonly #jobs = new Set<string>();
  /** What decides: the row of the job, or of its batch step if there is no other. */
  #decisive: { row: Row; line: LogLine } | null = null;

  constructor(log: DialectLog) {
    this.#log = log;
  }

  /** False if the line is no part of a table. */
  line(line: LogLine): boolean {
    const cells = cellsOf(line.text);
    if (cells === null) return false;
    if (cells[0] === 'JobID') {
      if (cells.includes('State')) this.#header = cells;
      return cells.includes('State');
    }
    const row = rowOf(cells, line.text.includes('|') ? this.#header : null);
    if (row === null) return false;
    this.#put(row, line);
    return true;
  }

  end(): void {
    if (this.#decisive === null || this.#jobs.size > 1) return;
    const { row, line } = this.#decisive;
    const outcome = OUTCOMES[wordOf(row.state)] ?? 'failed';
    const isLie = outcome === 'succeeded' && row.exit !== undefined && row.exit !== '0:0';
    this.#log.sign('state', isLie ? 'failed' : outcome, line);
    this.#log.fact('state', row.state, line);
    for (const which of ['started', 'ended'] as const) {
      const at = row.times[which];
      if (at !== undefined) this.#log.epilog(which, at, line);
    }
  }

  #put(row: Row, line: LogLine): void {
    if (this.#jobs.size < 2) this.#jobs.add(row.job);
    this.#log.jobId(row.job, line);
    this.#log.count(`rows.${wordOf(row.state)}`, line, 'rows');
    if (row.exit !== undefined) this.#log.fact(`exit.${row.job}${row.step ?? ''}`, row.exit, line);
    const isBatch = row.step === '.batch' && this.#decisive === null;
    if (row.step === undefined || isBatch) this.#decisive = { row, line: line.copy() };
  }
}

function wordOf(state: string): string {
  return state.split(' ')[0] as string;
}

function cellsOf(text: string): string[] | null {
  if (text.includes('|')) return text.replace(/\|\s*$/, '').split('|');
  // `CANCELLED by 2477195` is one cell.
  const cells = text
    .trim()
    .replace(/(CANCELLED) by (\d+)/, '$1_by_$2')
    .split(/\s+/);
  const isHeader = cells[0] === 'JobID' && cells.includes('State') && cells.includes('ExitCode');
  if (!isHeader && !(ID.test(cells[0] ?? '') && EXIT.test(cells.at(-1) ?? ''))) return null;
  return cells.map((cell) => cell.replace(/^CANCELLED_by_/, 'CANCELLED by '));
}

/** A state is found by its word when no header came. */
function rowOf(cells: readonly string[], header: readonly string[] | null): Row | null {
  const id = ID.exec(cells[0] ?? '');
  if (!id) return null;
  const cell = (name: string): string | undefined => cells[header?.indexOf(name) ?? -1];
  const isState = (text: string): boolean => OUTCOMES[wordOf(text)] !== undefined;
  const state = cell('State') ?? cells.find(isState);
  if (state === undefined || !isState(state)) return null;
  const time = (name: string): string | undefined => {
    const text = cell(name);
    return text !== undefined && /^\d{4}-\d\d-\d\dT/.test(text) ? text : undefined;
  };
  const [started, ended] = [time('Start'), time('End')];
  return {
    job: id[1] as string,
    step: id[2],
    state,
    exit: cell('ExitCode') ?? cells.find((text) => EXIT.test(text)),
    times: { ...(started ? { started } : {}), ...(ended ? { ended } : {}) },
  };
}
