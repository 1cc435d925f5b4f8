/** GPTQModel, AutoGPTQ, AutoAWQ, AutoRound: what each module lost, and how many there were. */
import type { Dialect, DialectLog } from '../dialect.ts';
import type { LogLine } from '../log-line.ts';
import { ruleDialect } from '../rules.ts';

const QUOTE = `['"]`;
const LOSS = new RegExp(
  String.raw`${QUOTE}layer${QUOTE}: (\d+), ${QUOTE}module${QUOTE}: ${QUOTE}([\w.]+)${QUOTE}` +
    String.raw`.{0,300}?${QUOTE}loss${QUOTE}: ${QUOTE}?([\d.]+(?:e[+-]?\d+)?)`,
);

const gptqLines = ruleDialect({
  name: 'gptqmodel',
  needles: ["'layer': ", '"layer": ', 'Quantizing mlp', 'Quantizing self', 'Quantization Config'],
  rules: [
    {
      pattern: LOSS,
      facts: [
        { name: 'layer.max', unit: 'layer', keep: 'max' },
        null,
        { name: 'loss.max', unit: 'loss', keep: 'max' },
      ],
      also: ([, , , loss], log, line) => {
        log.count('modules', line, 'modules');
        log.sum('loss.sum', Number(loss), line, 'loss');
      },
    },
    {
      // AutoGPTQ: `Quantizing mlp.down_proj in layer 3/32...`
      pattern: /Quantizing ([\w.]+) in layer (\d+)\/(\d+)/,
      facts: [
        null,
        { name: 'layer.max', unit: 'layer', keep: 'max' },
        { name: 'layers', unit: 'layers' },
      ],
      also: (_, log, line) => log.count('modules', line, 'modules'),
    },
  ],
});

/** Its table: rows of ten and more cells, cut to the width of the terminal, again with headers. */
const TABLE_HEADER = /\|\s*process\s*\|\s*layer\s*\|\s*module\s*\|/;
const TABLE_ROW = /\|\s*(?:e?gptq|gptaq|gptqv2|foem|qqq|awq|paroquant|exllamav3)\s*\|/;

export const gptqModel: Dialect = {
  ...gptqLines,
  needles: [
    ...gptqLines.needles,
    ...['| process ', '| gptq', '| gptaq', '| foem', '| qqq', '| awq'],
  ],
  open(log) {
    const lines = gptqLines.open(log);
    let columns: readonly string[] = [];
    return {
      line(line, isAlone) {
        lines.line(line, isAlone);
        const { text } = line;
        if (TABLE_HEADER.test(text)) {
          columns = cellsOf(text);
          log.spoken();
        } else if (TABLE_ROW.test(text)) tableRow(cellsOf(text), columns, { log, line });
      },
    };
  },
};

const cellsOf = (text: string): string[] =>
  text
    .slice(text.indexOf('|') + 1)
    .split('|')
    .map((cell) => cell.trim());

function tableRow(
  cells: readonly string[],
  columns: readonly string[],
  { log, line }: { log: DialectLog; line: LogLine },
): void {
  const [, layer = ''] = cells;
  if (cells.length < 4 || !/^\d+$/.test(layer)) return;
  log.count('modules', line, 'modules');
  log.max('layer.max', Number(layer), line, 'layer');
  const loss = cells[columns.indexOf('loss')] ?? '';
  // `fallback`: too few samples reached the module; `0...`: the terminal was too narrow.
  if (/^fallback\b|\bfallback$/.test(loss)) log.count('fallbacks', line, 'modules');
  if (!/^\d+(?:\.\d+)?(?:e[+-]?\d+)?$/.test(loss)) return;
  log.max('loss.max', Number(loss), line, 'loss');
  log.sum('loss.sum', Number(loss), line, 'loss');
}

export const autoAwq = ruleDialect({
  name: 'autoawq',
  needles: ['AWQ: '],
  rules: [
    {
      pattern: /\bAWQ: +\d+%.{0,200}?\| *(\d+)\/(\d+) \[/,
      facts: [
        { name: 'layers.done', unit: 'layers', keep: 'max' },
        { name: 'layers', unit: 'layers' },
      ],
    },
  ],
});

export const autoRound = ruleDialect({
  name: 'autoround',
  needles: ['loss iter 0: ', 'uantized ', 'quantization tuning time'],
  rules: [
    {
      pattern: /loss iter 0: ([\d.]+(?:e[+-]?\d+)?) -> iter (\d+): ([\d.]+(?:e[+-]?\d+)?)/,
      facts: [
        { name: 'lossBefore.max', unit: 'loss', keep: 'max' },
        { name: 'iterations.max', unit: 'iterations', keep: 'max' },
        { name: 'lossAfter.max', unit: 'loss', keep: 'max' },
      ],
      also: ([, before, , after], log, line) => {
        log.count('blocks', line, 'blocks');
        log.sum('lossBefore.sum', Number(before), line, 'loss');
        log.sum('lossAfter.sum', Number(after), line, 'loss');
      },
    },
    {
      pattern: /quantized (\d+)\/(\d+) layers in the block/,
      also: ([, done], log, line) => log.sum('layersQuantized', Number(done), line, 'layers'),
    },
    { pattern: /quantization tuning time ([\d.]+)/, facts: [{ name: 'tuningTime', unit: 's' }] },
  ],
});
