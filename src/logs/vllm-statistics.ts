/** The line that vLLM prints every ten seconds, read fast: a long log has little else. */
import type { DialectLog } from './dialect.ts';
import { LineTemplate, numbersBefore } from './line-template.ts';
import { LogLine } from './log-line.ts';
import { LF } from './needles.ts';
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

const FLOWS = GAUGES.filter(({ isFlow }) => isFlow);

export class StatisticsReader {
  readonly #log: DialectLog;
  readonly #clock: RunningClock;
  readonly #tallies = new Map<string, Tally>();
  readonly #series: readonly { add(atS: number, value: number): void }[];
  readonly #last = new LogLine();
  #first: LogLine | null = null;
  #firstS: number | null = null;
  #lines = 0;
  #learnt: Learnt | null = null;

  constructor(log: DialectLog, clock: RunningClock) {
    this.#log = log;
    this.#clock = clock;
    this.#series = FLOWS.map(({ name, unit }) => log.series(name, unit));
  }

  /** As of a dialect's reader. */
  skim(line: LogLine): number {
    if (this.#learnt === null) return -1;
    const { template, stamp, gauges } = this.#learnt;
    const end = template.endOf(line.bytes, line.from, line.to);
    if (end < 0 || end >= line.to || line.bytes[end] !== LF) return -1;
    line.to = end;
    const { values } = template;
    const nowS = stamp === null ? null : this.#clock.secondsAt(stampAt(values, stamp));
    const atS = this.#seconds(nowS);
    for (const { tally, index, series } of gauges) {
      const value = values[index] as number;
      put(tally, value, line);
      if (series >= 0 && atS !== null) this.#series[series]?.add(atS, value);
    }
    this.#count(line);
    return end;
  }

  /** False if it is no statistics line. `isAlone`: as of a dialect's reader. */
  line(line: LogLine, isAlone: boolean): boolean {
    const { text } = line;
    const start = text.indexOf(START);
    if (start < 0) return false;
    const stamp = findStamp(text);
    const atS = this.#seconds(stamp && this.#clock.secondsAt(stamp));
    for (const gauge of GAUGES) {
      const value = figureAfter(text, gauge.label, start);
      if (value === null) continue;
      put(tallyOf(this.#tallies, gauge.name), value, line);
      const series = FLOWS.indexOf(gauge);
      if (series >= 0 && atS !== null) this.#series[series]?.add(atS, value);
    }
    this.#count(line);
    if (isAlone && !this.#learnt?.template.matches(line))
      this.#learnt = learn(line, { start, stamp, tallies: this.#tallies });
    return true;
  }

  end(): void {
    const [log, first, lines] = [this.#log, this.#first, this.#lines];
    if (first === null) return;
    log.fact('statistics', lines, first, { unit: 'lines', from: 'count', lines });
    for (const [name, { sum, n, max, at }] of this.#tallies) {
      const unit = GAUGES.find((gauge) => gauge.name === name)?.unit ?? '';
      log.fact(`${name}.max`, max, at, { unit, from: 'max', lines: n });
      if (unit !== 'tokens/s') continue;
      log.fact(`${name}.mean`, sum / n, first, { unit, from: 'mean', lines: n });
    }
    const rate = this.#tallies.get('prefixHit');
    if (rate) log.fact('prefixHit.last', rate.last, this.#last, { unit: '%' });
  }

  #count(line: LogLine): void {
    this.#lines += 1;
    this.#first ??= line.copy();
    this.#last.become(line);
  }

  #seconds(nowS: number | null): number | null {
    this.#firstS ??= nowS;
    return nowS === null || this.#firstS === null ? null : nowS - this.#firstS;
  }
}

function put(tally: Tally, value: number, line: LogLine): void {
  tally.sum += value;
  tally.n += 1;
  tally.last = value;
  if (value <= tally.max) return;
  tally.max = value;
  tally.at.become(line);
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
    const series = isFlow ? FLOWS.findIndex((gauge) => gauge.name === name) : -1;
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
