/** nvidia-smi: its table, `--query-gpu … --format=csv` (units in the cells), `-q -x`. */
import type { Dialect, DialectLog } from '../dialect.ts';
import type { LogLine } from '../log-line.ts';

const BANNER = /NVIDIA-SMI ([\d.]+)\s+Driver Version: ([\d.]+)\s+CUDA Version: ([\d.]+)/;
const ROW = /(\d+)MiB \/ +(\d+)MiB \| +(\d+)%/;
const XML = /<(cuda_version|driver_version|product_name)>([^<]+)<\//;
/** Columns of `--query-gpu` and the facts that they become. */
const GAUGES: Readonly<Record<string, { name: string; unit: string }>> = {
  'memory.used': { name: 'memoryUsed', unit: 'MiB' },
  'memory.total': { name: 'memoryTotal', unit: 'MiB' },
  'utilization.gpu': { name: 'utilization', unit: '%' },
  'power.draw': { name: 'power', unit: 'W' },
  'temperature.gpu': { name: 'temperature', unit: '°C' },
};
const BATCH = 256;

export const nvidiaSmi: Dialect = {
  name: 'nvidia-smi',
  needles: [
    ...['NVIDIA-SMI ', 'MiB / ', '<cuda_version>', '<driver_version>', '<product_name>'],
    ...['memory.used', 'utilization.gpu', 'power.draw'],
  ],
  open(log) {
    let columns: readonly string[] | null = null;
    let rows = 0;
    return {
      line(line) {
        const { text } = line;
        if (
          /^[\w. [\]%,]*(?:memory\.used|utilization\.gpu|power\.draw)/.test(text) &&
          text.includes(',')
        ) {
          columns = text.split(',').map((title) => title.trim().split(' ')[0] as string);
          log.spoken();
          log.follow(BATCH);
          return;
        }
        if (columns !== null && csvRow(text, columns, { log, line })) {
          rows += 1;
          if (rows % (BATCH / 2) === 0) log.follow(BATCH);
          return;
        }
        table(text, log, line);
      },
    };
  },
};

function csvRow(
  text: string,
  columns: readonly string[],
  { log, line }: { log: DialectLog; line: LogLine },
): boolean {
  const cells = text.split(',');
  if (cells.length !== columns.length) return false;
  log.count('readings', line, 'readings');
  for (const [i, cell] of cells.entries()) {
    const column = columns[i] ?? '';
    if (column === 'name') log.fact('gpu', cell.trim(), line);
    if (column === 'driver_version') log.fact('driver', cell.trim(), line);
    const gauge = GAUGES[column];
    // `[N/A]` is no number: no fact.
    const value = /^\s*(\d+(?:\.\d+)?)(?: (?:MiB|%|W))?\s*$/.exec(cell)?.[1];
    if (gauge && value !== undefined) log.max(`${gauge.name}.max`, Number(value), line, gauge.unit);
  }
  return true;
}

function table(text: string, log: DialectLog, line: LogLine): void {
  const banner = BANNER.exec(text);
  if (banner) {
    log.fact('driver', banner[2] as string, line);
    log.fact('cuda', banner[3] as string, line);
  }
  const row = ROW.exec(text);
  if (row) {
    log.max('memoryUsed.max', Number(row[1]), line, 'MiB');
    log.max('memoryTotal.max', Number(row[2]), line, 'MiB');
    log.max('utilization.max', Number(row[3]), line, '%');
    log.count('readings', line, 'readings');
  }
  const xml = XML.exec(text);
  if (xml) {
    const names: Record<string, string> = {
      cuda_version: 'cuda',
      driver_version: 'driver',
      product_name: 'gpu',
    };
    log.fact(names[xml[1] as string] as string, xml[2] as string, line);
  }
}
