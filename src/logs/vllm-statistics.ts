/** The line that vLLM prints every ten seconds, read fast: a long log has little else. */
import type { DialectLog } from './dialect.ts';
import { LineTemplate, numbersBefore } from './line-template.ts';
import { LogLine } from './log-line.ts';
import { findStamp, type RunningClock, type Stamp } from './stamps.ts';

const START = 'Avg prompt throughput: ';

interface Gauge {
  readonly label: string;
  readonly name: string;
  readonly unit: string;
  readonly isFlow?: boolean;
}

/** In the order of the line; V0 has Swapped and Pending, V1 Waiting and the hit rate. */
const GAUGES: readonly Gauge[] = [
  { label: START, name: 'promptThroughput', unit: 'tokens/s', isFlow: true },
  {
    label: 'Avg generation throughput: ',
    name: 'generationThroughput',
    unit: 'tokens/s',
    isFlow: true,
  },
  { label: 'Running: ', name: 'running', unit: 'requests' },
  { label: 'Waiting: ', name: 'waiting', unit: 'requests' },
  { label: 'Swapped: ', name: 'swapped', unit: 'requests' },
  { label: 'Pending: ', name: 'waiting', unit: 'requests' },
  { label: 'GPU KV cache usage: ', name: 'kvUse', unit: '%' },
  { label: 'Prefix cache hit rate: ', name: 'prefixHit', unit: '%' },
];

interface Tally {
  sum: number;
  n: number;
  max: number;
  readonly at: LogLine;
  last: number;
}

/** Which number of a line is which; stamp: the first of its five numbers. */
interface Learnt {
  readonly template: LineTemplate;
  readonly gauges: readonly {
    readonly tally: Tally;
    readonly index: number;
    readonly series: number;
  }[];
  readonly stamp: number | null;
}

export interface StatisticsReader {
  /** False if it is no statistics line. */
  line(line: LogLine): boolean;
  end(): void;
}

export function statisticsReader(log: DialectLog, clock: RunningClock): StatisticsReader {
  const tallies = new Map<string, Tally>();
  const flows = GAUGES.filter(({ isFlow }) => isFlow);
  const series = flows.map(({ name, unit }) => log.series(name, unit));
  let first: LogLine | null = null;
  let last: LogLine | null = null;
  let firstS: number | null = null;
  let lines = 0;
  let learnt: Learnt | null = null;
  const seeTime = (nowS: number | null): number | null => {
    firstS ??= nowS;
    return nowS === null || firstS === null ? null : nowS - firstS;
  };
  const put = (tally: Tally, value: number, line: LogLine): void => {
    tally.sum += value;
    tally.n += 1;
    tally.last = value;
    if (value <= tally.max) return;
    tally.max = value;
    tally.at.become(line);
  };
  const fast = (line: LogLine): boolean => {
    if (learnt === null || !learnt.template.matches(line)) return false;
    const { values } = learnt.template;
    const atS =
      learnt.stamp === null ? null : seeTime(clock.secondsAt(stampAt(values, learnt.stamp)));
    for (const { tally, index, series: which } of learnt.gauges) {
      const value = values[index] as number;
      put(tally, value, line);
      if (which >= 0 && atS !== null) series[which]?.add(atS, value);
    }
    return true;
  };
  const slow = (line: LogLine): boolean => {
    const { text } = line;
    const start = text.indexOf(START);
    if (start < 0) return false;
    const stamp = findStamp(text);
    const atS = seeTime(stamp && clock.secondsAt(stamp));
    for (const gauge of GAUGES) {
      const value = figureAfter(text, gauge.label, start);
      if (value === null) continue;
      put(tallyOf(tallies, gauge.name), value, line);
      const which = flows.indexOf(gauge);
      if (which >= 0 && atS !== null) series[which]?.add(atS, value);
    }
    learnt = learn(line, { start, stamp, tallies });
    return true;
  };
  return {
    line(line) {
      if (!fast(line) && !slow(line)) return false;
      lines += 1;
      first ??= line.copy();
      if (last === null) last = line.copy();
      else last.become(line);
      return true;
    },
    end() {
      if (first === null || last === null) return;
      log.fact('statistics', lines, first, { unit: 'lines', from: 'count', lines });
      for (const [name, { sum, n, max, at }] of tallies) {
        const unit = GAUGES.find((gauge) => gauge.name === name)?.unit ?? '';
        log.fact(`${name}.max`, max, at, { unit, from: 'max', lines: n });
        if (unit !== 'tokens/s') continue;
        log.fact(`${name}.mean`, sum / n, first, { unit, from: 'mean', lines: n });
      }
      const rate = tallies.get('prefixHit');
      if (rate) log.fact('prefixHit.last', rate.last, last, { unit: '%' });
    },
  };
}

function tallyOf(tallies: Map<string, Tally>, name: string): Tally {
  const known = tallies.get(name);
  if (known) return known;
  const line = { sum: 0, n: 0, max: Number.NEGATIVE_INFINITY, last: 0 };
  const tally: Tally = { ...line, at: new LogLine() };
  tallies.set(name, tally);
  return tally;
}

const STAMP = /\d\d-\d\d \d\d:\d\d:\d\d/;

/** null when the places of the numbers cannot be told: then every line is read the slow way. */
function learn(
  line: LogLine,
  of: { start: number; stamp: Stamp | null; tallies: ReadonlyMap<string, Tally> },
): Learnt | null {
  const template = LineTemplate.of(line);
  if (template === null || (of.stamp !== null && of.stamp.year !== null)) return null;
  const head = line.text.slice(0, of.start);
  const tail = line.text.slice(of.start);
  // Colours hold numbers too, but stand at the beginning: counted from the end nothing shifts.
  const tailAt = template.values.length - numbersBefore(tail, tail.length);
  let isComplete = true;
  const gauges = GAUGES.flatMap(({ label, name, isFlow }) => {
    const at = tail.indexOf(label);
    const tally = of.tallies.get(name);
    if (at < 0 || !tally) return [];
    const index = tailAt + numbersBefore(tail, at + label.length);
    const series = isFlow ? GAUGES.findIndex((gauge) => gauge.name === name) : -1;
    if (template.values[index] !== figureAfter(tail, label, at)) isComplete = false;
    return [{ tally, index, series }];
  });
  const stamp =
    of.stamp === null ? null : placeOfStamp(head, tailAt, { template, stamp: of.stamp });
  if (!isComplete || (of.stamp !== null && stamp === null)) return null;
  return { template, gauges, stamp };
}

function placeOfStamp(
  head: string,
  tailAt: number,
  { template, stamp }: { template: LineTemplate; stamp: Stamp },
): number | null {
  const at = STAMP.exec(head)?.index;
  if (at === undefined) return null;
  const index = tailAt - (numbersBefore(head, head.length) - numbersBefore(head, at));
  const read = stampAt(template.values, index);
  const isSame = read.month === stamp.month && read.day === stamp.day && read.dayMs === stamp.dayMs;
  return isSame ? index : null;
}

function stampAt(values: Float64Array, index: number): Stamp {
  const month = values[index] as number;
  const day = values[index + 1] as number;
  const h = values[index + 2] as number;
  const m = values[index + 3] as number;
  const s = values[index + 4] as number;
  const dayMs = Math.round(((h * 60 + m) * 60 + s) * 1000);
  return { year: null, month, day, dayMs, offsetMin: null };
}

function figureAfter(text: string, label: string, from: number): number | null {
  const at = text.indexOf(label, from);
  if (at < 0) return null;
  const start = at + label.length;
  const figure = /^\d+(?:\.\d+)?/.exec(text.slice(start, start + 24))?.[0];
  return figure === undefined ? null : Number(figure);
}
