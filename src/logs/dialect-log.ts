/** Collects what the readers of one file say, within bounds. */
import { redactText } from '../record/redact.ts';
import type { Finding } from '../record/schema.ts';
import type { DialectLog, FactOptions } from './dialect.ts';
import type { Bar, Command, Evidence, Fact, FactValue, Series, Sign } from './log-index.ts';
import type { LogLine } from './log-line.ts';
import { shortened } from './log-line.ts';

const MAX_FACTS = 400;
const MAX_SIGNS = 20;
const MAX_COMMANDS = 20;
const MAX_FINDINGS = 20;
const MAX_POINTS = 256;

interface Tally {
  value: FactValue;
  options: FactOptions;
  lines: number;
  evidence: Evidence;
}

interface Curve {
  unit: string;
  /** How many lines make one point; doubles whenever the points become too many. */
  perPoint: number;
  points: { atS: number; mean: number; n: number }[];
}

export interface Collected {
  readonly facts: Record<string, Fact>;
  readonly series: Record<string, Series>;
  readonly signs: readonly Sign[];
  readonly commands: readonly Command[];
  readonly bars: readonly Bar[];
  readonly findings: readonly Finding[];
  readonly jobIds: readonly { readonly id: string; readonly evidence: Evidence }[];
  readonly host: string | null;
  readonly epilog: Partial<Record<'started' | 'ended', { iso: string; evidence: Evidence }>>;
  readonly dialects: readonly string[];
}

export class Collector {
  readonly #path: string;
  readonly #facts = new Map<string, Tally>();
  readonly #series = new Map<string, Curve>();
  readonly #signs: Sign[] = [];
  readonly #commands: Command[] = [];
  readonly #findings: Finding[] = [];
  #bars: readonly Bar[] = [];
  readonly #jobIds = new Map<string, Evidence>();
  readonly #epilog: Collected['epilog'] = {};
  readonly #dialects = new Set<string>();
  #host: string | null = null;

  constructor(path: string) {
    this.#path = path;
  }

  /** `follow` asks the scanner for lines on behalf of this dialect. */
  logOf(dialect: string, follow: (lines: number) => void): DialectLog {
    const full = (name: string): string => `${dialect}.${name}`;
    const put = (name: string, value: FactValue, line: LogLine, options: FactOptions): void => {
      this.#dialects.add(dialect);
      this.#put(full(name), value, line, options);
    };
    return {
      path: this.#path,
      follow,
      spoken: () => void this.#dialects.add(dialect),
      fact: (name, value, line, options = {}) => {
        if (!this.#facts.has(full(name))) put(name, value, line, options);
      },
      lastFact: (name, value, line, options = {}) => {
        this.#facts.delete(full(name));
        put(name, value, line, options);
      },
      count: (name, line, unit) => this.#add(dialect, name, { by: 1, line, unit, from: 'count' }),
      sum: (name, by, line, unit) => this.#add(dialect, name, { by, line, unit, from: 'sum' }),
      max: (name, value, line, unit) => {
        const known = this.#facts.get(full(name));
        if (known === undefined) {
          put(name, value, line, { from: 'max', ...(unit === undefined ? {} : { unit }) });
          return;
        }
        known.lines += 1;
        if (value <= (known.value as number)) return;
        known.value = value;
        known.evidence = line.evidence(this.#path);
      },
      series: (name, unit) => this.#curve(full(name), unit),
      sign: (kind, outcome, line) => {
        if (kind !== 'banner') this.#dialects.add(dialect);
        this.#sign({ kind, outcome, evidence: line.evidence(this.#path) });
      },
      jobId: (id, line) => {
        if (this.#jobIds.size < MAX_SIGNS && !this.#jobIds.has(id)) {
          this.#jobIds.set(id, line.evidence(this.#path));
        }
      },
      host: (name) => {
        this.#host ??= name;
      },
      command: (text, line) => {
        if (this.#commands.length >= MAX_COMMANDS) return;
        this.#commands.push({ text: shortened(text), evidence: line.evidence(this.#path) });
      },
      finding: (code, message, line) => {
        if (this.#findings.length >= MAX_FINDINGS) return;
        const place = `line ${line.number}`;
        this.#findings.push({ code, severity: 'warning', message, place });
      },
      bars: (bars) => {
        this.#bars = bars;
      },
      epilog: (which, iso, line) => {
        this.#epilog[which] = { iso, evidence: line.evidence(this.#path) };
      },
    };
  }

  collected(): Collected {
    const facts = [...this.#facts].toSorted(([a], [b]) => (a < b ? -1 : 1));
    return {
      facts: Object.fromEntries(facts.map(([name, tally]) => [name, factOf(tally)])),
      series: Object.fromEntries(
        [...this.#series]
          .filter(([, { points }]) => points.length > 0)
          .map(([name, { unit, points }]) => [name, { unit, points }]),
      ),
      signs: this.#signs,
      commands: this.#commands,
      bars: this.#bars,
      findings: this.#findings,
      jobIds: [...this.#jobIds].map(([id, evidence]) => ({ id, evidence })),
      host: this.#host,
      epilog: this.#epilog,
      dialects: [...this.#dialects].sort(),
    };
  }

  #put(name: string, value: FactValue, line: LogLine, options: FactOptions): void {
    if (this.#facts.size >= MAX_FACTS) return;
    const evidence = line.evidence(this.#path);
    const shown = typeof value === 'string' ? redactText(value) : value;
    this.#facts.set(name, { value: shown, options, lines: options.lines ?? 1, evidence });
  }

  #add(
    dialect: string,
    name: string,
    what: { by: number; line: LogLine; unit: string | undefined; from: 'count' | 'sum' },
  ): void {
    const known = this.#facts.get(`${dialect}.${name}`);
    if (known) {
      known.value = (known.value as number) + what.by;
      known.lines += 1;
      return;
    }
    this.#dialects.add(dialect);
    const unit = what.unit === undefined ? {} : { unit: what.unit };
    this.#put(`${dialect}.${name}`, what.by, what.line, { from: what.from, ...unit });
  }

  #sign(sign: Sign): void {
    // The last lines decide more often than the first: of too many the middle goes.
    if (this.#signs.length >= MAX_SIGNS) this.#signs.splice(MAX_SIGNS / 2, 1);
    this.#signs.push(sign);
  }

  #curve(name: string, unit: string): { add(atS: number, value: number): void } {
    const curve: Curve = { unit, perPoint: 1, points: [] };
    this.#series.set(name, curve);
    return {
      add(atS, value) {
        const last = curve.points.at(-1);
        if (last && last.n < curve.perPoint) {
          last.mean += (value - last.mean) / (last.n + 1);
          last.n += 1;
          return;
        }
        if (curve.points.length >= MAX_POINTS) halve(curve);
        curve.points.push({ atS, mean: value, n: 1 });
      },
    };
  }
}

/** Two neighbours become one, at the earlier time. */
function halve(curve: Curve): void {
  const { points } = curve;
  curve.perPoint *= 2;
  curve.points = [];
  for (let i = 0; i < points.length; i += 2) {
    const [a, b] = [points[i], points[i + 1]];
    if (a === undefined) break;
    const n = a.n + (b?.n ?? 0);
    const mean = b === undefined ? a.mean : (a.mean * a.n + b.mean * b.n) / n;
    curve.points.push({ atS: a.atS, mean, n });
  }
}

function factOf({ value, options, lines, evidence }: Tally): Fact {
  const unit = options.unit === undefined ? {} : { unit: options.unit };
  return { value, ...unit, from: options.from ?? 'line', lines, evidence };
}
