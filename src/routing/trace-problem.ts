/** What is wrong with a trace, by line: the first ones in words, all of them in numbers. */

export const PROBLEM_KINDS = {
  header: 'header',
  syntax: 'not JSON',
  torn: 'cut off',
  field: 'missing or mistyped field',
  'top-k': 'another number of experts',
  expert: 'expert id out of range or repeated',
  weight: 'weight not finite or negative',
  sum: 'sum of weights',
  order: 'order of tokens',
  duplicate: 'duplicate',
  count: 'number of rows',
} as const;
export type ProblemKind = keyof typeof PROBLEM_KINDS;

export interface TraceProblem {
  /** From 1; of Parquet the row; 0: the file as a whole. */
  readonly line: number;
  readonly kind: ProblemKind;
  readonly message: string;
}

/** So many are told in words. */
export const SHOWN_PROBLEMS = 20;

/** Keeps the problems of the lowest lines, and counts all. Bounded, however bad the file is. */
export class ProblemLog {
  readonly #shown: TraceProblem[] = [];
  readonly #totals = new Map<ProblemKind, number>();

  get shown(): readonly TraceProblem[] {
    return this.#shown;
  }

  get total(): number {
    return [...this.#totals.values()].reduce((a, b) => a + b, 0);
  }

  get totals(): Readonly<Partial<Record<ProblemKind, number>>> {
    return Object.fromEntries(this.#totals);
  }

  add(line: number, kind: ProblemKind, message: string | (() => string)): void {
    this.count(kind, 1);
    const last = this.#shown.at(-1);
    if (last && this.#shown.length === SHOWN_PROBLEMS && line >= last.line) return;
    const text = typeof message === 'string' ? message : message();
    const at = this.#shown.findLastIndex((other) => other.line <= line) + 1;
    this.#shown.splice(at, 0, { line, kind, message: text });
    if (this.#shown.length > SHOWN_PROBLEMS) this.#shown.pop();
  }

  /** What another counted and did not keep in words. */
  count(kind: ProblemKind, times: number): void {
    this.#totals.set(kind, (this.#totals.get(kind) ?? 0) + times);
  }
}
