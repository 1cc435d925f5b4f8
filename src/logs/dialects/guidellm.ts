/** GuideLLM: its tables have headers over two rows and change between versions. */
import type { Dialect } from '../dialect.ts';

const MAX_ROWS = 60;
/** Heavy and light box drawing, and plain pipes. */
const BARS = /[│┃|]/;
const TITLE = new RegExp(
  String.raw`(Benchmarks? (?:Info|Metadata|Stats|Latency Statistics|Throughput[ \w]{0,40})|` +
    'Server Throughput Statistics|Request Latency Statistics|Run Summary Info)' +
    String.raw`(?: \([\w ]+\))?:?$`,
);

/** `84.5 ± 72.7`, and `449.1*` without an interval, are of version 0.8. */
const FIGURE = /^(-?[\d.,]+)(?:%|\*| ± [\d.,]+)?$/;

export const guideLlm: Dialect = {
  name: 'guidellm',
  needles: [
    'Benchmarks ',
    'Benchmark Info',
    'Throughput Statistics',
    'Latency Statistics',
    'Run Summary',
    'guidellm',
  ],
  open(log) {
    let header: string[][] = [];
    let title: string | null = null;
    return {
      line(line) {
        const { text } = line;
        const found = TITLE.exec(text.trimEnd())?.[1];
        if (found !== undefined) {
          title = found;
          header = [];
          log.spoken();
          log.follow(MAX_ROWS);
          return;
        }
        if (title === null || !BARS.test(text)) return;
        const cells = cellsOf(text);
        const figures = cells.filter((cell) => FIGURE.test(cell)).length;
        if (figures < 2) {
          if (cells.some((cell) => /[A-Za-z]/.test(cell))) header.push(cells);
          return;
        }
        const names = columnNames(header, cells.length);
        for (const [i, cell] of cells.entries()) {
          const value = Number(FIGURE.exec(cell)?.[1]?.replaceAll(',', ''));
          if (i === 0 || !Number.isFinite(value)) continue;
          log.fact(`${cells[0]}.${names[i]}`, value, line);
        }
      },
    };
  },
};

/** With or without a pipe at either end; a title over n columns has n pipes behind it. */
function cellsOf(text: string): string[] {
  const cells = text.split(BARS).map((cell) => cell.trim());
  if (cells[0] === '') cells.shift();
  if (cells.at(-1) === '') cells.pop();
  return cells;
}

/** The last three header rows, joined: a title that spans columns stands for each of them. */
function columnNames(header: readonly (readonly string[])[], columns: number): string[] {
  const rows = header.filter((row) => row.length === columns).slice(-3);
  const below = rows.at(-1) ?? [];
  const above = rows.slice(0, -1).map(spread);
  return Array.from({ length: columns }, (_, i) => {
    const name = [...above.map((row) => row[i]), below[i]].filter(Boolean).join(' ');
    return name === '' ? `column ${i + 1}` : name;
  });
}

function spread(row: readonly string[]): string[] {
  let last = '';
  return row.map((cell) => {
    if (cell !== '') last = cell;
    return last;
  });
}
