/**
 * JSON whose numbers know where they come from: the text of a chart's specification, written
 * through the document builder, so that `verify` renders each of its numerals again.
 */
import type { Cited, DocumentBuilder, Piece } from '../document.ts';

/** A text with cited numbers in it. */
export class Words {
  readonly pieces: readonly Piece[];
  constructor(...pieces: Piece[]) {
    this.pieces = pieces;
  }
}

export type CitedJson =
  | string
  | number
  | boolean
  | null
  | Cited
  | Words
  | readonly CitedJson[]
  | { readonly [key: string]: CitedJson | undefined };

/** Adds `value` line by line; what has no objects or lists in it stands on one line. */
export function addJson(doc: DocumentBuilder, value: CitedJson): void {
  for (const line of linesOf(value)) doc.add(line);
}

function linesOf(value: CitedJson): Piece[][] {
  const entries = entriesOf(value);
  if (entries === null || entries.every(({ value: own }) => entriesOf(own) === null)) {
    return [flat(value)];
  }
  const [open, close] = Array.isArray(value) ? ['[', ']'] : ['{', '}'];
  const body = entries.flatMap(({ key, value: own }, i) => {
    const lines = linesOf(own).map((line) => [' ', ...line]);
    const comma = i < entries.length - 1 ? ',' : '';
    const [first, ...rest] = lines as [Piece[], ...Piece[][]];
    const named = key === null ? first : [' ', `${JSON.stringify(key)}: `, ...first.slice(1)];
    const whole = [named, ...rest];
    return whole.map((line, j) => (j === whole.length - 1 ? [...line, comma] : line));
  });
  return [[open as string], ...body, [close as string]];
}

interface Entry {
  readonly key: string | null;
  readonly value: CitedJson;
}

/** null for what is no list and no object of its own. */
function entriesOf(value: CitedJson): Entry[] | null {
  if (Array.isArray(value)) return value.map((own: CitedJson) => ({ key: null, value: own }));
  if (value === null || typeof value !== 'object' || value instanceof Words) return null;
  if (isCited(value)) return null;
  return Object.entries(value).flatMap(([key, own]) =>
    own === undefined ? [] : [{ key, value: own as CitedJson }],
  );
}

function isCited(value: object): value is Cited {
  return 'reference' in value && 'format' in value;
}

function flat(value: CitedJson): Piece[] {
  if (value instanceof Words) return ['"', ...value.pieces.map(escaped), '"'];
  const entries = entriesOf(value);
  if (entries === null) {
    if (value === null || typeof value !== 'object') return [JSON.stringify(value)];
    const cited = value as Cited;
    return [cited.value === null ? 'null' : cited];
  }
  const inner = entries.flatMap(({ key, value: own }, i) => [
    i > 0 ? ', ' : '',
    key === null ? '' : `${JSON.stringify(key)}: `,
    ...flat(own),
  ]);
  return Array.isArray(value) ? ['[', ...inner, ']'] : ['{', ...inner, '}'];
}

function escaped(piece: Piece): Piece {
  if (typeof piece === 'string') return JSON.stringify(piece).slice(1, -1);
  return Array.isArray(piece) ? piece.map(escaped) : piece;
}
