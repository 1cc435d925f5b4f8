/** GPTQModel, AutoGPTQ, AutoAWQ, AutoRound: what each module lost, and how many there were. */
import { ruleDialect } from '../rules.ts';

const QUOTE = `['"]`;
const LOSS = new RegExp(
  String.raw`${QUOTE}layer${QUOTE}: (\d+), ${QUOTE}module${QUOTE}: ${QUOTE}([\w.]+)${QUOTE}` +
    String.raw`.{0,300}?${QUOTE}loss${QUOTE}: ${QUOTE}?([\d.]+(?:e[+-]?\d+)?)`,
);

export const gptqModel = ruleDialect({
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
