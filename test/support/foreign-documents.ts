/**
 * Documents as other teams write them, from true values that are printed rounded. The generator
 * knows for each printed number what the others leave open for it: by its own arithmetic over the
 * corners of their rounding intervals, not by that of the audit.
 */

export type Random = () => number;
type Range = readonly [number, number];

export interface PrintedNumber {
  readonly text: string;
  /** Offset in the document. */
  at: number;
  /** What the other printed numbers allow; null: nothing decides it. */
  feasible: Range | null;
}

export interface ForeignDocument {
  readonly name: string;
  readonly text: string;
  readonly numbers: readonly PrintedNumber[];
}

export function mulberry(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

/** What a printed numeral may stand for. */
export function rounded(text: string): Range {
  const half = 0.5 * 10 ** -(text.split('.')[1]?.length ?? 0);
  return [Number(text) - half, Number(text) + half];
}

/** Smallest and largest value of a monotone formula over the corners of its arguments. */
function corners(f: (...x: number[]) => number, ...ranges: Range[]): Range {
  let points: number[][] = [[]];
  for (const range of ranges) points = points.flatMap((p) => range.map((x) => [...p, x]));
  const values = points.map((p) => f(...p));
  return [Math.min(...values), Math.max(...values)];
}

const both = (a: Range | null, b: Range): Range =>
  a === null ? b : [Math.max(a[0], b[0]), Math.min(a[1], b[1])];

/** Text with its numbers, written piece by piece. */
class Writer {
  text = '';
  readonly numbers: PrintedNumber[] = [];

  put(text: string): this {
    this.text += text;
    return this;
  }

  number(text: string): PrintedNumber {
    const made: PrintedNumber = { text, at: this.text.length, feasible: null };
    this.numbers.push(made);
    this.text += text;
    return made;
  }
}

const pick = <T>(random: Random, from: readonly T[]): T =>
  from[Math.floor(random() * from.length)] as T;
const between = (random: Random, low: number, high: number): number =>
  low + random() * (high - low);

const MODELS = ['acme/Lyra-3B', 'acme/Vega-1.1B', 'borealis/Nimbus-7B', 'borealis/Cirrus-410M'];

/** A section a model: loss and perplexity are redundant, accuracy and throughput are not. */
function evaluationLog(random: Random): ForeignDocument {
  const out = new Writer();
  const models = MODELS.slice(0, 2 + Math.floor(random() * 3));
  out.put('# Evaluation log\n\nTotal models evaluated: ');
  const total = out.number(String(models.length));
  total.feasible = [models.length, models.length];
  out.put('\n');
  for (const model of models) {
    const loss = between(random, 0.8, 4.2);
    const [l, p] = [
      loss.toFixed(pick(random, [3, 4])),
      Math.exp(loss).toFixed(pick(random, [2, 3])),
    ];
    out.put(`\n### ${model}\n\n- Model ID: ${model}\n- Data Type: bf16\n- Loss: `);
    const lossNumber = out.number(l);
    out.put('\n- Perplexity: ');
    const perplexity = out.number(p);
    lossNumber.feasible = corners(Math.log, rounded(p));
    perplexity.feasible = corners(Math.exp, rounded(l));
    out.put('\n- Token Accuracy: ');
    out.number(between(random, 35, 65).toFixed(2));
    out.put('%\n- Average Throughput: ');
    out.number(between(random, 900, 9000).toFixed(1));
    out.put(' tokens/second\n');
  }
  return { name: 'evaluation.md', text: out.text, numbers: out.numbers };
}

/** A comparison table: speeds with speedups, memory with reductions, a baseline a model. */
function comparisonTable(random: Random): ForeignDocument {
  const out = new Writer();
  out.put('## Comparison\n\n');
  out.put(
    '| Model | Precision | Speed (tokens/sec) | Memory (GB) | Speedup | Memory reduction |\n',
  );
  out.put('|---|---|---|---|---|---|\n');
  for (const model of MODELS.slice(0, 2)) {
    const speed = between(random, 12, 90);
    const memory = between(random, 3, 16);
    const cells = ['FP16', 'INT8', 'INT4'].map((precision, i) => {
      const s = i === 0 ? speed : speed * between(random, 0.3, 4.5);
      const m = i === 0 ? memory : memory * between(random, 0.25, 0.8);
      return {
        precision,
        speed: s.toFixed(2),
        memory: m.toFixed(2),
        times: i === 0 ? '1.0' : (s / speed).toFixed(2),
        less: i === 0 ? '0.0' : ((1 - m / memory) * 100).toFixed(1),
      };
    });
    const [base, ...rest] = cells as [(typeof cells)[number], ...typeof cells];
    let baseSpeed: PrintedNumber | null = null;
    let baseMemory: PrintedNumber | null = null;
    for (const cell of cells) {
      out.put(`| ${model} | ${cell.precision} | `);
      const s = out.number(cell.speed);
      out.put(' | ');
      const m = out.number(cell.memory);
      out.put(' | ');
      if (cell === base) {
        baseSpeed = s;
        baseMemory = m;
        out.put('1.0× | 0.0% |\n');
        continue;
      }
      const times = out.number(cell.times);
      out.put('× | ');
      const less = out.number(cell.less);
      out.put('% |\n');
      const share = (x: number, b: number): number => (1 - x / b) * 100;
      s.feasible = corners((t, b) => t * b, rounded(cell.times), rounded(base.speed));
      times.feasible = corners((x, b) => x / b, rounded(cell.speed), rounded(base.speed));
      m.feasible = corners((r, b) => (1 - r / 100) * b, rounded(cell.less), rounded(base.memory));
      less.feasible = corners(share, rounded(cell.memory), rounded(base.memory));
    }
    // The baseline must fit every row that is relative to it.
    for (const cell of rest) {
      const s = corners((x, t) => x / t, rounded(cell.speed), rounded(cell.times));
      const m = corners((x, r) => x / (1 - r / 100), rounded(cell.memory), rounded(cell.less));
      if (baseSpeed) baseSpeed.feasible = both(baseSpeed.feasible, s);
      if (baseMemory) baseMemory.feasible = both(baseMemory.feasible, m);
    }
  }
  return { name: 'comparison.md', text: out.text, numbers: out.numbers };
}

/** A batch matrix as JSON: throughput, time and count, and the loop of batches. */
function batchMatrix(random: Random): ForeignDocument {
  const out = new Writer();
  const samples = pick(random, [500, 1000, 2000]);
  const batches = [1, 4, 8, 16, 32].map((size) => {
    const perBatch = between(random, 15, 40) * size ** between(random, 0.3, 0.8);
    const count = Math.ceil(samples / size);
    const seconds = (perBatch / 1000) * count;
    return {
      size,
      count,
      time: seconds.toFixed(3),
      rate: (samples / seconds).toFixed(2),
      mean: perBatch.toFixed(2),
    };
  });
  out.put('[\n');
  for (const [i, b] of batches.entries()) {
    out.put(
      `  {\n    "batch_size": ${b.size},\n    "total_samples": ${samples},\n    "total_time": `,
    );
    const time = out.number(b.time);
    out.put(',\n    "throughput": ');
    const rate = out.number(b.rate);
    out.put(',\n    "avg_latency_ms": ');
    const mean = out.number(b.mean);
    out.put(`,\n    "quantization": "awq"\n  }${i < batches.length - 1 ? ',' : ''}\n`);
    const byRate = corners((r) => samples / r, rounded(b.rate));
    // A last batch that is not full may be counted whole or in part.
    const loop = corners((m, n) => (m / 1000) * n, rounded(b.mean), [samples / b.size, b.count]);
    time.feasible = both(byRate, loop);
    rate.feasible = corners((t) => samples / t, rounded(b.time));
    mean.feasible = corners((t, n) => (t / n) * 1000, rounded(b.time), [samples / b.size, b.count]);
  }
  out.put(']\n');
  return { name: 'results.json', text: out.text, numbers: out.numbers };
}

/** Task statistics as JSON: totals over tasks, outcomes inside one. */
function taskStatistics(random: Random): ForeignDocument {
  const out = new Writer();
  const tasks = ['alpha', 'beta', 'gamma', 'delta'].map((name) => {
    const total = 20 + Math.floor(random() * 40);
    const correct = Math.floor(random() * total);
    const late = Math.floor(random() * (total - correct + 1));
    return { name, total, correct, late, wrong: total - correct - late };
  });
  const sum = (f: (t: (typeof tasks)[number]) => number): number =>
    tasks.reduce((n, t) => n + f(t), 0);
  const exact = (n: number): Range => [n, n];
  const put = (value: number): void => {
    out.number(String(value)).feasible = exact(value);
  };
  out.put('{\n  "processed": ');
  put(sum((t) => t.total));
  out.put(',\n  "correct": ');
  put(sum((t) => t.correct));
  out.put(',\n  "by_task": {\n');
  for (const [i, t] of tasks.entries()) {
    out.put(`    "${t.name}": {"total": `);
    put(t.total);
    out.put(', "correct": ');
    put(t.correct);
    out.put(', "incorrect": {"timeouts": ');
    put(t.late);
    out.put(', "wrong_answers": ');
    put(t.wrong);
    out.put(`}}${i < tasks.length - 1 ? ',' : ''}\n`);
  }
  out.put('  }\n}\n');
  return { name: 'statistics.json', text: out.text, numbers: out.numbers };
}

/** Progress in prose: a percentage beside its fraction, and numbers that nothing decides. */
function progressNotes(random: Random): ForeignDocument {
  const out = new Writer();
  out.put('# Notes\n\n');
  for (const phase of ['Calibration', 'Export', 'Evaluation']) {
    const whole = 20 + Math.floor(random() * 80);
    const part = Math.floor(random() * whole);
    const percent = ((part / whole) * 100).toFixed(1);
    out.put(`- ${phase}: `);
    const p = out.number(percent);
    out.put('% (');
    const a = out.number(String(part));
    out.put('/');
    const b = out.number(String(whole));
    out.put(' items completed)\n');
    p.feasible = corners((x) => (x / whole) * 100, [part, part]);
    a.feasible = corners((x) => (x / 100) * whole, rounded(percent));
    b.feasible = part === 0 ? null : corners((x) => part / (x / 100), rounded(percent));
  }
  out.put('- GPU memory in use: ');
  out.number(between(random, 4, 30).toFixed(1));
  out.put(' GB\n');
  return { name: 'notes.md', text: out.text, numbers: out.numbers };
}

const STYLES = [evaluationLog, comparisonTable, batchMatrix, taskStatistics, progressNotes];

export function foreignDocument(seed: number): ForeignDocument {
  return (STYLES[seed % STYLES.length] as (typeof STYLES)[number])(mulberry(seed * 7919 + 1));
}

export interface Edit {
  readonly text: string;
  readonly from: string;
  readonly to: string;
  /** Other numbers of the document refute it. */
  readonly decidable: boolean;
}

/** One digit of one number becomes another; a leading digit never 0. */
export function edited(document: ForeignDocument, random: Random): Edit {
  const number = pick(random, document.numbers);
  const digits = [...number.text].flatMap((c, i) => (/\d/.test(c) ? [i] : []));
  const at = pick(random, digits);
  const old = Number(number.text[at]);
  const least = at === 0 ? 1 : 0;
  const choices = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9].filter((d) => d !== old && d >= least);
  const to = number.text.slice(0, at) + pick(random, choices) + number.text.slice(at + 1);
  const text =
    document.text.slice(0, number.at) + to + document.text.slice(number.at + number.text.length);
  const isCount = !number.text.includes('.');
  const [low, high] = isCount ? [Number(to), Number(to)] : rounded(to);
  const { feasible } = number;
  // A hair's breadth is the floats' own error, not the document's.
  const slack = Math.abs(Number(to)) * 1e-6;
  const decidable = feasible !== null && (low > feasible[1] + slack || high < feasible[0] - slack);
  return { text, from: number.text, to, decidable };
}
