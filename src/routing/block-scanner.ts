/**
 * From bytes of JSON lines to columns. A line that has the shape of the lines before it is read
 * where it stands; any other goes through JSON.parse. Both ways give the same columns (proven by a
 * property test), and how many lines went the slow way is told.
 */
import { BLOCK_ROWS, BlockBuilder, type FilledBlock } from './block-builder.ts';
import { parseLine } from './parse-line.ts';
import { RouteReader } from './route-reader.ts';
import { learnTemplate, type RouteTemplate } from './route-template.ts';

/** Behind the bytes to scan the buffer has so many more, which the scanner overwrites. */
export const SLACK_BYTES = 64;
const NEWLINE = 10;
/** Shapes that are tried; a writer has one, or one for each phase. */
const MAX_TEMPLATES = 4;

export class BlockScanner {
  readonly #builder: BlockBuilder;
  readonly #reader: RouteReader;
  readonly #templates: RouteTemplate[] = [];
  #line = 0;

  constructor(topK: number) {
    this.#builder = new BlockBuilder(topK);
    this.#reader = new RouteReader(this.#builder.names);
  }

  get isFull(): boolean {
    return this.#builder.isFull;
  }

  /** Lines since the start. */
  get line(): number {
    return this.#line;
  }

  /** Line numbers start again. */
  restart(): void {
    this.#line = 0;
  }

  take(buffer?: ArrayBuffer): FilledBlock {
    return this.#builder.take(buffer);
  }

  /**
   * Reads whole lines of buffer[from, to) until there are no more or the block is full; returns
   * where it stopped. `limit`: lines that begin there or later are another's.
   */
  scan(buffer: Buffer, span: { from: number; to: number; limit?: number }): number {
    const { to, limit = to } = span;
    const reader = this.#reader;
    const { columns } = this.#builder;
    buffer.fill(0, to, to + SLACK_BYTES);
    reader.open(buffer, columns);
    let at = span.from;
    let template = this.#templates[0];
    while (at < limit && columns.rows < BLOCK_ROWS) {
      const end = template === undefined ? -1 : reader.read(template, at);
      if (end >= 0 && end <= to) {
        columns.line[columns.rows++] = this.#line++;
        at = end;
        continue;
      }
      const feed = buffer.indexOf(NEWLINE, at);
      if (feed < 0 || feed >= to) break;
      if (!this.#otherTemplate(at, feed + 1))
        this.#slowLine(buffer.toString('latin1', at, feed + 1), at);
      template = this.#templates[0];
      at = feed + 1;
    }
    return at;
  }

  /** The last line of a file that has no line feed: whole, or cut off. */
  finish(latin1: string): void {
    if (latin1 === '') return;
    const line = this.#line++;
    const parsed = parseLine(utf8(latin1));
    if (parsed.kind === 'problem' && parsed.problem === 'syntax') {
      const message = `the file ends within this line, after ${latin1.length} bytes of it`;
      this.#builder.problem(line, 'torn', message);
    } else {
      this.#builder.add(parsed, line);
    }
  }

  #otherTemplate(at: number, end: number): boolean {
    const templates = this.#templates;
    for (let i = 1; i < templates.length; i++) {
      const template = templates[i] as RouteTemplate;
      if (this.#reader.read(template, at) !== end) continue;
      // The next line most likely has this shape too.
      templates.splice(i, 1);
      templates.unshift(template);
      const { columns } = this.#builder;
      columns.line[columns.rows++] = this.#line++;
      return true;
    }
    return false;
  }

  #slowLine(latin1: string, at: number): void {
    if (!this.#builder.add(parseLine(utf8(latin1)), this.#line++)) return;
    const template = learnTemplate(latin1);
    // A line with an escaped name has the shape of others and still is for JSON.parse.
    if (template === null || this.#reader.read(template, at) < 0) return;
    this.#templates.unshift(template);
    if (this.#templates.length > MAX_TEMPLATES) this.#templates.pop();
  }
}

function utf8(latin1: string): string {
  return Buffer.from(latin1, 'latin1').toString('utf8');
}
