/** Where blocks of all sources come together: names and lines of the whole file, one header. */
import type { RouteBlock } from '../analyze/routing/route-block.ts';
import type { FilledBlock } from './block-builder.ts';
import type { ProblemLog } from './trace-problem.ts';

interface SeenMeta {
  readonly line: number;
  readonly value: Readonly<Record<string, unknown>>;
}

/** `names`: of the requests seen so far, by number. */
export type UseBlock = (block: RouteBlock, names: readonly string[]) => void;

export class BlockReceiver {
  readonly #problems: ProblemLog;
  readonly #use: UseBlock;
  readonly #numbers = new Map<string, number>();
  readonly metas: SeenMeta[] = [];
  /** Names of requests by number. */
  readonly names: string[] = [];
  firstRouteLine: number | null = null;
  rows = 0;
  slowLines = 0;

  constructor(problems: ProblemLog, use: UseBlock) {
    this.#problems = problems;
    this.#use = use;
  }

  /**
   * `before`: lines of the file before the block's line 0. `mapping`: from numbers of the block's
   * source to those of the file; names that are new are added to it.
   */
  receive(block: FilledBlock, { before, mapping }: { before: number; mapping: number[] }): void {
    const { columns } = block;
    for (const name of block.names) mapping.push(this.#number(name));
    for (const { line, kind, message } of block.problems) {
      this.#problems.add(before + line + 1, kind, message);
      block.counts.set(kind, (block.counts.get(kind) ?? 0) - 1);
    }
    for (const [kind, times] of block.counts) if (times > 0) this.#problems.count(kind, times);
    for (const { line, value } of block.metas) this.metas.push({ line: before + line + 1, value });
    this.slowLines += block.slowLines;
    const { rows, line, request } = columns;
    if (rows === 0) return;
    for (let row = 0; row < rows; row++) {
      line[row] = before + (line[row] as number) + 1;
      request[row] = mapping[request[row] as number] as number;
    }
    this.firstRouteLine ??= line[0] as number;
    this.rows += rows;
    this.#use(columns, this.names);
  }

  #number(name: string): number {
    const known = this.#numbers.get(name);
    if (known !== undefined) return known;
    this.#numbers.set(name, this.names.length);
    return this.names.push(name) - 1;
  }
}
