/** lm-evaluation-harness: its result table; blank cells inherit from the row above. */
import type { Dialect, DialectLog } from '../dialect.ts';
import type { LogLine } from '../log-line.ts';

/** Rows looked at after a header. */
const MAX_ROWS = 300;
const MODEL = /^(\w[\w.-]*) \(((?:pretrained|model)=[^)]*)\), gen_kwargs: /;

export const lmEval: Dialect = {
  name: 'lm-eval',
  needles: ['|n-shot|', '|Stderr|', 'gen_kwargs: ', 'lm_eval:'],
  open(log) {
    let columns: string[] | null = null;
    let above: readonly string[] = [];
    return {
      line(line) {
        const { text } = line;
        const model = MODEL.exec(text);
        if (model) {
          log.fact('backend', model[1] as string, line);
          log.fact('modelArgs', model[2] as string, line);
        }
        if (text.includes('lm_eval:')) log.spoken();
        const cells = cellsOf(text);
        if (cells === null) {
          columns = null;
          return;
        }
        if (cells.includes('Metric') && cells.includes('Value')) {
          columns = cells;
          above = [];
          log.spoken();
          log.follow(MAX_ROWS);
          return;
        }
        if (columns === null || cells.every((cell) => /^[-:]*$/.test(cell))) return;
        above = row(cells, { columns, above, log, line });
      },
    };
  },
};

function cellsOf(text: string): string[] | null {
  const inner = /^\s*\|(.*)\|\s*$/.exec(text)?.[1];
  return inner === undefined ? null : inner.split('|').map((cell) => cell.trim());
}

/** Task, filter and metric come from above where they are blank; the figures never do. */
function row(
  cells: readonly string[],
  context: { columns: readonly string[]; above: readonly string[]; log: DialectLog; line: LogLine },
): readonly string[] {
  const { columns, above, log, line } = context;
  const valueAt = columns.indexOf('Value');
  const errorAt = columns.indexOf('Stderr');
  const filled = cells.map((cell, i) => {
    const inherits = ['Tasks', 'Groups', 'Version', 'Filter', 'n-shot'].includes(columns[i] ?? '');
    return cell === '' && inherits ? (above[i] ?? '') : cell;
  });
  const get = (name: string): string => filled[columns.indexOf(name)] ?? '';
  const task = (get('Tasks') || get('Groups')).replace(/^[- ]+/, '');
  const value = Number(filled[valueAt]);
  if (task === '' || !Number.isFinite(value) || filled[valueAt] === '') return filled;
  const filter = get('Filter');
  const name = `${task}.${get('Metric')}${filter === '' || filter === 'none' ? '' : `.${filter}`}`;
  log.fact(name, value, line);
  const error = filled[errorAt] ?? '';
  if (/^[\d.]+$/.test(error)) log.fact(`${name}.stderr`, Number(error), line);
  return filled;
}
