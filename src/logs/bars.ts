/** Progress bars collapsed: thousands of states become a name, a count, an elapsed time, a rate. */
import { BarReader, type BarState, parseBarState } from './bar-states.ts';
import type { Bar, Evidence } from './log-index.ts';
import type { LogLine } from './log-line.ts';

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
  /** `last` still stands on the bytes of the scanner. */
  isLoose: boolean;
}

const MAX_GROUPS = 200;

export class BarTracker {
  readonly #groups = new Map<string, Group>();
  /** The last name and its group: states of one bar come one after another. */
  #name = '';
  #group: Group | undefined;
  readonly #reader = new BarReader();
  readonly #loose: Group[] = [];
  readonly #path: string;

  constructor(path: string) {
    this.#path = path;
  }

  /** A line that may hold a state. `isAlone`: as of a dialect's reader. */
  line(line: LogLine, isAlone: boolean): void {
    const again = this.#reader.read(line);
    if (again) {
      this.#see(again, line);
      return;
    }
    const state = parseBarState(line.text);
    if (state === null) return;
    this.#reader.learn(line, state, isAlone);
    this.#see(state, line);
  }

  /** As of a dialect's reader. */
  skim(line: LogLine): number {
    const state = this.#reader.readWhole(line);
    if (state === null) return -1;
    this.#see(state, line);
    return line.to;
  }

  /** As of a dialect's reader. */
  release(): void {
    for (const group of this.#loose) {
      group.last.keep();
      group.isLoose = false;
    }
    this.#loose.length = 0;
  }

  #see(state: BarState, line: LogLine): void {
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
    group.last.refer(line);
    if (!group.isLoose) {
      group.isLoose = true;
      this.#loose.push(group);
    }
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
      ...{ open: state, first: line.evidence(this.#path), last: line.copy(), isLoose: false },
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
