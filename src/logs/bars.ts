/** Progress bars collapsed: thousands of states become a name, a count, an elapsed time, a rate. */
import type { Bar, Evidence } from './log-index.ts';
import type { LogLine } from './log-line.ts';

export interface BarState {
  readonly name: string;
  readonly count: number;
  readonly total: number | null;
  readonly elapsedS: number;
}

const NUMBER = String.raw`(\d+(?:\.\d+)?[kMGT]?)`;
const TIME = String.raw`((?:\d+:)?\d+:\d\d)`;
const OF_TOTAL = new RegExp(String.raw`^\|? *${NUMBER}\/${NUMBER} \[${TIME}<`);
const OPEN_END = new RegExp(String.raw`^(.*?)(?:: )?(\d+)it \[${TIME}, `);
const SCALE: Readonly<Record<string, number>> = { k: 1e3, M: 1e6, G: 1e9, T: 1e12 };
/** A longer name is no bar's. */
const MAX_NAME = 300;

/** The first state in a line, tqdm's or vLLM's; null if there is none. */
export function parseBarState(text: string): BarState | null {
  let at = text.indexOf('%|');
  let after = at + 2;
  if (at < 0) {
    at = text.indexOf('% Completed |');
    after = at + 12;
  }
  if (at < 0) return openEnded(text);
  const end = text.indexOf('| ', after);
  const counts = OF_TOTAL.exec(text.slice(end < 0 ? after : end, (end < 0 ? after : end) + 80));
  if (!counts) return null;
  const name = text.slice(Math.max(0, at - MAX_NAME), at).replace(/:? *\d+$/, '');
  return {
    name: name.trim(),
    count: numberOf(counts[1] as string),
    total: numberOf(counts[2] as string),
    elapsedS: secondsOf(counts[3] as string),
  };
}

function openEnded(text: string): BarState | null {
  const match = OPEN_END.exec(text.length > 2 * MAX_NAME ? text.slice(0, 2 * MAX_NAME) : text);
  if (!match) return null;
  const name = (match[1] as string).replace(/[: ]+$/, '').trim();
  const count = Number(match[2]);
  return { name, count, total: null, elapsedS: secondsOf(match[3] as string) };
}

function numberOf(text: string): number {
  const scale = SCALE[text.at(-1) as string];
  return scale === undefined ? Number(text) : Number(text.slice(0, -1)) * scale;
}

/** `12:05`, `3:07:41` */
function secondsOf(text: string): number {
  return text.split(':').reduce((sum, part) => sum * 60 + Number(part), 0);
}

interface Group {
  name: string;
  bars: number;
  states: number;
  /** Of the bars that are over; the open one is in `open`. */
  count: number;
  total: number | null;
  elapsedS: number;
  complete: boolean;
  open: BarState;
  first: Evidence;
  last: LogLine;
}

const MAX_GROUPS = 200;

export class BarTracker {
  readonly #groups = new Map<string, Group>();
  /** The last name and its group: states of one bar come one after another. */
  #name = '';
  #group: Group | undefined;
  readonly #path: string;

  constructor(path: string) {
    this.#path = path;
  }

  see(state: BarState, line: LogLine): void {
    if (this.#group === undefined || state.name !== this.#name) {
      const key = groupName(state.name);
      this.#group = this.#groups.get(key);
      this.#name = state.name;
      if (this.#group === undefined) {
        if (this.#groups.size < MAX_GROUPS) this.#group = this.#start(key, state, line);
        return;
      }
    }
    const group = this.#group;
    group.states += 1;
    group.last.become(line);
    if (isAnother(group.open, state)) {
      close(group);
      group.bars += 1;
    }
    group.open = state;
  }

  bars(): Bar[] {
    return [...this.#groups.values()].map((group) => {
      const { open, name, bars, states, first } = group;
      const count = group.count + open.count;
      const elapsedS = group.elapsedS + open.elapsedS;
      const total = sumOrNull(group.total, open.total);
      const rate = elapsedS === 0 ? null : count / elapsedS;
      const complete = group.complete && isComplete(open);
      const last = group.last.evidence(this.#path);
      return { name, bars, states, count, total, elapsedS, rate, complete, first, last };
    });
  }

  #start(name: string, state: BarState, line: LogLine): Group {
    const group: Group = {
      ...{ name, bars: 1, states: 1, count: 0, total: 0, elapsedS: 0, complete: true },
      ...{ open: state, first: line.evidence(this.#path), last: line.copy() },
    };
    this.#groups.set(name, group);
    return group;
  }
}

/** `(3/65): Calibrating` and `(4/65): Calibrating` are bars of one kind. */
function groupName(name: string): string {
  return name
    .replace(/\((\d+)\/(\d+)\)/g, '(n/$2)')
    .replace(/(?<=[ :])\d+\/(\d+)\b/g, 'n/$1')
    .replace(/\(\d+ (\w+)\)/g, '(n $1)');
}

/** A bar goes forward; ranks that print the same bar may lag, but not back to zero. */
function isAnother(before: BarState, now: BarState): boolean {
  if (now.name !== before.name) return true;
  if (now.count >= before.count && now.elapsedS >= before.elapsedS) return false;
  return now.count === 0 || isComplete(before) || now.total !== before.total;
}

function isComplete(state: BarState): boolean {
  return state.total === null || state.count >= state.total;
}

function close(group: Group): void {
  const { open } = group;
  group.count += open.count;
  group.total = sumOrNull(group.total, open.total);
  group.elapsedS += open.elapsedS;
  group.complete &&= isComplete(open);
}

function sumOrNull(a: number | null, b: number | null): number | null {
  return a === null || b === null ? null : a + b;
}
