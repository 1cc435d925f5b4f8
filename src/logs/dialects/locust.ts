/** Locust: its statistics as CSV (no Type on the aggregate), its tables on the console, its log. */
import type { Dialect } from '../dialect.ts';
import { consoleReader } from './locust-console.ts';

const HEADER = /^"?Type"?,"?Name"?,"?Request Count"?,"?Failure Count"?,/;
const UNITS: readonly [RegExp, string][] = [
  [/^(?:Request|Failure) Count$/, 'requests'],
  [/^(?:Requests|Failures)\/s$/, 'requests/s'],
  [/Content Size$/, 'bytes'],
  [/Response Time$|^\d/, 'ms'],
];
const SHUTDOWN = /locust\.main: Shutting down \(exit code (\d+)\)/;
/** Rows of one statistics file. */
const MAX_ROWS = 200;

export const locust: Dialect = {
  name: 'locust',
  needles: ['Request Count', '# reqs', 'locust.'],
  open(log) {
    let columns: readonly string[] = [];
    const readConsole = consoleReader(log);
    return {
      line(line) {
        const { text } = line;
        if (HEADER.test(text)) {
          columns = cellsOf(text);
          log.spoken();
          log.follow(MAX_ROWS);
          return;
        }
        const exit = SHUTDOWN.exec(text)?.[1];
        if (exit !== undefined) {
          log.fact('exitCode', Number(exit), line);
          log.sign('state', exit === '0' ? 'succeeded' : 'failed', line);
        }
        if (/ locust\.(?:main|runners)[: ]/.test(text)) log.spoken();
        readConsole(line);
        if (columns.length === 0) return;
        const cells = cellsOf(text);
        if (cells.length !== columns.length) return;
        const request = `${cells[0]} ${cells[1]}`.trim();
        for (const [i, cell] of cells.entries()) {
          if (i < 2 || !/^-?\d+(?:\.\d+)?(?:e[+-]?\d+)?$/.test(cell)) continue;
          const column = columns[i] as string;
          const unit = UNITS.find(([pattern]) => pattern.test(column))?.[1];
          log.fact(`${request}.${column}`, Number(cell), line, unit === undefined ? {} : { unit });
        }
      },
    };
  },
};

/** Quoted cells may hold commas; a doubled quote stands for one. */
function cellsOf(text: string): string[] {
  const cells: string[] = [];
  let cell = '';
  let isQuoted = false;
  for (const part of text.split(/([",])/)) {
    if (part === '"') isQuoted = !isQuoted;
    if (part === ',' && !isQuoted) {
      cells.push(cell);
      cell = '';
    } else cell += part;
  }
  return [...cells, cell].map((quoted) =>
    quoted.trim().replace(/^"|"$/g, '').replaceAll('""', '"'),
  );
}
