/** The memory and the calls of scan-lines.wasm, which reads lines of a known shape into columns. */
import { readFileSync } from 'node:fs';
import {
  columnBytes,
  columnsIn,
  PHASES,
  type RouteColumns,
} from '../analyze/routing/route-block.ts';
import { BLOCK_ROWS } from './block-builder.ts';
import type { Literal, RouteTemplate } from './route-template.ts';
import { PAGE_BYTES, type WasmMemory, wasm } from './web-assembly.ts';

type Export =
  | 'heap'
  | 'open'
  | 'openNames'
  | 'addName'
  | 'scan'
  | 'rowsFilled'
  | 'linesRead'
  | 'whyEnded'
  | 'nameFrom'
  | 'nameLength';

/** Why a scan ended, as the assembly has it. */
export const ENDED = { done: 0, otherShape: 1, newName: 2 } as const;

/** Behind the bytes to scan stand so many zeros, which no value goes on with. */
export const SLACK_BYTES = 64;
const MOST_PAGES = 1 << 14;
const STEP_BYTES = 20;
const TEMPLATE_BYTES = 1 << 13;
const NAME_SLOTS = 1 << 17;
const SLOT_BYTES = 16;
/** Names beyond these are for JSON.parse. */
const MOST_NAMES = NAME_SLOTS / 2;
const NAME_BYTES = 1 << 21;
const PHASE_BYTES = 128;

let compiled: object | undefined;

function moduleOf(): object {
  compiled ??= new wasm.Module(readFileSync(new URL('./scan-lines.wasm', import.meta.url)));
  return compiled;
}

export class LineScan {
  readonly topK: number;
  readonly #memory: WasmMemory;
  readonly #call: Readonly<Record<Export, (...values: number[]) => number>>;
  readonly #phases: number;
  readonly #templates: number;
  readonly #names: number;
  readonly #columns: number;
  readonly #input: number;
  #nameEnd: number;
  #nameCount = 0;
  #bytes: Buffer;
  /** Templates that are laid down, by place. */
  #templateEnd: number;
  readonly #placed = new Map<RouteTemplate, number>();

  constructor(topK: number) {
    this.topK = topK;
    this.#memory = new wasm.Memory({ initial: 1, maximum: MOST_PAGES });
    const instance = new wasm.Instance(moduleOf(), { env: { memory: this.#memory } });
    this.#call = instance.exports as Record<Export, (...values: number[]) => number>;
    const aligned = (at: number): number => (at + 15) & ~15;
    this.#phases = aligned(this.#call.heap());
    this.#templates = this.#phases + PHASE_BYTES;
    this.#templateEnd = this.#templates;
    this.#names = this.#templates + TEMPLATE_BYTES;
    this.#nameEnd = this.#names + NAME_SLOTS * SLOT_BYTES;
    this.#columns = aligned(this.#nameEnd + NAME_BYTES);
    this.#input = aligned(this.#columns + columnBytes(BLOCK_ROWS, topK));
    this.#bytes = this.#room(0);
    this.#call.open(this.#columns, BLOCK_ROWS, topK, this.#phases);
    this.#call.openNames(this.#names, NAME_SLOTS);
    this.#layPhases();
  }

  /** Where bytes to scan are put. Another one after `reach`. */
  get input(): Buffer {
    return this.#bytes;
  }

  /** Room for so many bytes to scan. */
  reach(length: number): void {
    if (length + SLACK_BYTES > this.#bytes.length) {
      this.#bytes = this.#room(Math.max(length, 2 * this.#bytes.length));
    }
  }

  /** The columns that are filled, for their last rows to be copied away. */
  columns(): RouteColumns {
    return columnsIn(this.#memory.buffer, BLOCK_ROWS, this.topK, this.#columns);
  }

  /** False: there is no room for its shape. */
  place(template: RouteTemplate): boolean {
    if (this.#placed.has(template)) return true;
    const size = 12 + template.steps.length * STEP_BYTES;
    const literals = [template.end, ...template.steps.flatMap((s) => [s.literal, s.separator])];
    const text = literals.reduce((bytes, { length }) => bytes + length, 0);
    if (this.#templateEnd + size + text + 16 > this.#names) {
      // Shapes that were given up make room.
      this.#placed.clear();
      this.#templateEnd = this.#templates;
      if (this.#templates + size + text + 16 > this.#names) return false;
    }
    const at = this.#templateEnd;
    let free = at + size;
    const bytes = new Uint8Array(this.#memory.buffer);
    const words = new Uint32Array(this.#memory.buffer, at, size / 4);
    const put = ({ codes, length }: Literal): [number, number] => {
      bytes.set(codes, free);
      free += length;
      return [free - length, length];
    };
    words.set([template.steps.length, ...put(template.end)]);
    for (const [i, { literal, field, separator }] of template.steps.entries()) {
      words.set([...put(literal), field, ...put(separator)], 3 + (i * STEP_BYTES) / 4);
    }
    this.#placed.set(template, at);
    this.#templateEnd = (free + 15) & ~15;
    return true;
  }

  /** Of a template that is placed; places are of the input. */
  scan(
    template: RouteTemplate,
    span: { from: number; limit: number; to: number },
    fill: { row: number; capacity: number; line: number },
  ): { at: number; rows: number; line: number; ended: number } {
    const base = this.#input;
    const at = this.#call.scan(
      this.#placed.get(template) as number,
      ...[base + span.from, base + span.limit, base + span.to],
      ...[fill.row, fill.capacity, fill.line],
    );
    const { rowsFilled, linesRead, whyEnded } = this.#call;
    return { at: at - base, rows: rowsFilled(), line: linesRead(), ended: whyEnded() };
  }

  /** The name that ended the scan, in the input. */
  newName(): { from: number; to: number } {
    const from = this.#call.nameFrom() - this.#input;
    return { from, to: from + this.#call.nameLength() };
  }

  /** From now on this name has this number. False: there is no more room. */
  learnName({ from, to }: { from: number; to: number }, number: number): boolean {
    const length = to - from;
    const end = this.#nameEnd + length;
    if (this.#nameCount >= MOST_NAMES || end > this.#columns) return false;
    const bytes = new Uint8Array(this.#memory.buffer);
    bytes.copyWithin(this.#nameEnd, this.#input + from, this.#input + to);
    this.#call.addName(this.#nameEnd, length, number);
    this.#nameEnd = end;
    this.#nameCount++;
    return true;
  }

  #room(length: number): Buffer {
    const bytes = this.#input + length + SLACK_BYTES;
    const { buffer } = this.#memory;
    if (bytes > buffer.byteLength) {
      this.#memory.grow(Math.ceil((bytes - buffer.byteLength) / PAGE_BYTES));
    }
    const whole = this.#memory.buffer;
    return Buffer.from(whole, this.#input, whole.byteLength - this.#input);
  }

  #layPhases(): void {
    const view = new DataView(this.#memory.buffer, this.#phases);
    const bytes = new Uint8Array(this.#memory.buffer, this.#phases);
    view.setUint32(0, PHASES.length, true);
    for (const [i, phase] of PHASES.entries()) {
      view.setUint32(4 + i * 12, phase.length, true);
      bytes.set(Buffer.from(phase), 8 + i * 12);
    }
  }
}
