/** Locust's tables on the console: one every two seconds of the last ten, a final one of all. */
import type { DialectLog } from '../dialect.ts';
import type { LogLine } from '../log-line.ts';

const HEADER = /^(?:Type +)?Name +# reqs +# fails \| +Avg +Min +Max +Med +\| +req\/s +failures\/s/;
const PERCENTILES = /^(?:Type +)?Name +((?:[\d.]+% +)+)# reqs$/;
const ROW = new RegExp(
  String.raw`^(\S.*?) +(\d+) +(\d+)\([\d.]+%\) +\| +(\d+) +(\d+) +(\d+) +(\d+) +\| +` +
    String.raw`([\d.]+) +([\d.]+)$`,
);
/** Named as in Locust's CSV, so that both give one fact. */
const COUNTS = [
  ['Request Count', 'requests'],
  ['Failure Count', 'requests'],
  ['Average Response Time', 'ms'],
  ['Min Response Time', 'ms'],
  ['Max Response Time', 'ms'],
  ['Median Response Time', 'ms'],
] as const;
const RATES = ['Requests/s', 'Failures/s'] as const;
const MAX_ROWS = 200;
/** A name is at most 80 wide, or what the terminal had room for. */
const LONGEST = 1000;

interface Rate {
  readonly name: string;
  readonly value: number;
  readonly line: LogLine;
}

/** What a line says, if it belongs to a table. */
export function consoleReader(log: DialectLog): (line: LogLine) => void {
  /** Of the table that was read last: only behind the final one percentiles follow. */
  let rates: Rate[] = [];
  let columns: readonly string[] = [];
  let isTable = false;
  return (line) => {
    const text = line.text.trim();
    if (text.length > LONGEST) return;
    const percentiles = PERCENTILES.exec(text)?.[1];
    if (percentiles !== undefined) {
      columns = percentiles.trim().split(/ +/);
      for (const rate of rates)
        log.lastFact(rate.name, rate.value, rate.line, { unit: 'requests/s' });
    }
    const isHeader = HEADER.test(text);
    if (isHeader) {
      isTable = true;
      columns = [];
      rates = [];
    }
    if (isHeader || percentiles !== undefined) {
      log.spoken();
      log.follow(MAX_ROWS);
      return;
    }
    const row = isTable && columns.length === 0 ? ROW.exec(text) : null;
    if (row) readRow(row, { log, line, rates });
    if (columns.length > 0) readPercentiles(text, { log, line, columns });
  };
}

function readRow(
  [, type, ...cells]: RegExpExecArray,
  { log, line, rates }: { log: DialectLog; line: LogLine; rates: Rate[] },
): void {
  const request = named(type as string);
  for (const [i, [name, unit]] of COUNTS.entries()) {
    log.lastFact(`${request}.${name}`, Number(cells[i]), line, { unit });
  }
  for (const [i, name] of RATES.entries()) {
    const value = Number(cells[COUNTS.length + i]);
    rates.push({ name: `${request}.${name}`, value, line: line.copy() });
  }
}

function readPercentiles(
  text: string,
  { log, line, columns }: { log: DialectLog; line: LogLine; columns: readonly string[] },
): void {
  const words = text.split(/ +/);
  // A value for each percentile, and the requests behind them.
  const cells = words.splice(-columns.length - 1);
  if (words.length === 0 || cells.length !== columns.length + 1) return;
  if (!cells.every((cell) => /^\d+$/.test(cell))) return;
  const request = named(words.join(' '));
  for (const [i, column] of columns.entries()) {
    log.lastFact(`${request}.${column}`, Number(cells[i]), line, { unit: 'ms' });
  }
}

const named = (text: string): string => text.trim().split(/ +/).join(' ');
