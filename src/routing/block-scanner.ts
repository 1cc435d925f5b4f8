/**
 * From bytes of JSON lines to columns. A line that has the shape of the lines before it is read
 * where it stands; any other goes through JSON.parse. Both ways give the same columns (proven by a
 * property test), and how many lines went the slow way is told.
 */
import { BLOCK_ROWS, BlockBuilder, type FilledBlock } from './block-builder.ts';
import { ENDED, LineScan, SLACK_BYTES } from './line-scan.ts';
import { parseLine } from './parse-line.ts';
import { learnTemplate, type RouteTemplate } from './route-template.ts';

const NEWLINE = 10;
/** Shapes that are tried; a writer has one, or one for each phase. */
const MAX_TEMPLATES = 4;
/** After so many lines that gave none, a shape is learned from one in so many. */
const MAX_FAILED = 100;
const RETRY_LINES = 64;

export class BlockScanner {
  readonly #lines: LineScan;
  readonly #builder: BlockBuilder;
  readonly #templates: RouteTemplate[] = [];
  #line = 0;
  #failed = 0;

  constructor(topK: number) {
    this.#lines = new LineScan(topK);
    this.#builder = new BlockBuilder(topK, () => this.#lines.columns());
  }

  get isFull(): boolean {
    return this.#builder.isFull;
  }

  /** Lines since the start. */
  get line(): number {
    return this.#line;
  }

  /** Where the bytes to scan are put; another buffer after `reach`. */
  get input(): Buffer {
    return this.#lines.input;
  }

  /** Room for so many bytes; what is there already stays. */
  reach(length: number): void {
    this.#lines.reach(length);
    this.#builder.moved();
  }

  /** Line numbers start again. */
  restart(): void {
    this.#line = 0;
  }

  take(buffer?: ArrayBuffer): FilledBlock {
    return this.#builder.take(buffer);
  }

  /**
   * Reads whole lines of input[from, to) until there are no more or the block is full; returns
   * where it stopped. `limit`: lines that begin there or later are another's.
   */
  scan(span: { from: number; to: number; limit?: number }): number {
    const { to, limit = to } = span;
    const { input } = this;
    input.fill(0, to, to + SLACK_BYTES);
    let at = span.from;
    while (at < limit && !this.isFull) {
      const template = this.#templates[0];
      if (template !== undefined) {
        at = this.#scanLines(template, { from: at, limit, to });
        if (at >= limit || this.isFull) break;
      }
      const feed = input.indexOf(NEWLINE, at);
      if (feed < 0 || feed >= to) break;
      if (!this.#otherTemplate(at, feed + 1)) this.#slowLine(at, feed + 1);
      at = feed + 1;
    }
    return at;
  }

  /** The last line of a file that has no line feed: whole, or cut off. */
  finish(span: { from: number; to: number }): void {
    if (span.from >= span.to) return;
    const line = this.#line++;
    const parsed = parseLine(this.input.toString('utf8', span.from, span.to));
    if (parsed.kind === 'problem' && parsed.problem === 'syntax') {
      const message = `the file ends within this line, after ${span.to - span.from} bytes of it`;
      this.#builder.problem(line, 'torn', message);
    } else {
      this.#builder.add(parsed, line);
    }
  }

  /** As many lines of this shape as there are; where the first of another begins. */
  #scanLines(
    template: RouteTemplate,
    { from, limit, to }: { from: number; limit: number; to: number },
  ): number {
    const { columns } = this.#builder;
    if (!this.#lines.place(template)) return from;
    for (let at = from; ; ) {
      const fill = { row: columns.rows, capacity: BLOCK_ROWS, line: this.#line };
      const found = this.#lines.scan(template, { from: at, limit, to }, fill);
      at = found.at;
      columns.rows = found.rows;
      this.#line = found.line;
      if (found.ended !== ENDED.newName || !this.#learnName(at, to)) return at;
    }
  }

  /** A name that is seen for the first time; one in half a line is not yet. */
  #learnName(at: number, to: number): boolean {
    const feed = this.input.indexOf(NEWLINE, at);
    if (feed < 0 || feed >= to) return false;
    const name = this.#lines.newName();
    const number = this.#builder.names.lookup(this.input, name.from, name.to);
    return this.#lines.learnName(name, number);
  }

  #otherTemplate(at: number, end: number): boolean {
    const templates = this.#templates;
    for (let i = 1; i < templates.length; i++) {
      const template = templates[i] as RouteTemplate;
      if (this.#scanLines(template, { from: at, limit: at + 1, to: end }) !== end) continue;
      // The next line most likely has this shape too.
      templates.splice(i, 1);
      templates.unshift(template);
      return true;
    }
    return false;
  }

  #slowLine(at: number, end: number): void {
    const text = this.input.toString('utf8', at, end);
    if (!this.#builder.add(parseLine(text), this.#line++) || this.isFull) return;
    if (this.#failed > MAX_FAILED && this.#line % RETRY_LINES !== 0) return;
    const template = learnTemplate(this.input.toString('latin1', at, end));
    if (template === null || !this.#fits(template, at, end)) {
      this.#failed++;
      return;
    }
    this.#templates.unshift(template);
    if (this.#templates.length > MAX_TEMPLATES) this.#templates.pop();
  }

  /** Is the line itself read by its shape? One with an escaped name is not. */
  #fits(template: RouteTemplate, at: number, end: number): boolean {
    const { columns } = this.#builder;
    const [rows, line] = [columns.rows, this.#line];
    const stopped = this.#scanLines(template, { from: at, limit: at + 1, to: end });
    columns.rows = rows;
    this.#line = line;
    return stopped === end;
  }
}
