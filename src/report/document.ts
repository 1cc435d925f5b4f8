/**
 * A generated Markdown document that knows where each of its numbers comes from. Writing
 * `doc.line`Perplexity ${value}`` records the place of the numeral; the sidecar then says, for
 * every numeral of the document, either which run, metric, formula and rounding it is, or that it
 * is a constant of the text.
 */
import type { ComparisonId, NumberReference } from '../analyze/reference.ts';
import { canonicalSha256, crc32Hex, sha256Hex } from '../record/canonical.ts';
import { findNumerals } from '../record/find-numerals.ts';
import { type NumberFormat, renderNumber } from '../record/numerals.ts';

export const DOCUMENT_EVIDENCE_SCHEMA = 'assay.document-evidence/1';

/** A number with its origin; `value` null renders as a dash and needs no evidence. */
export interface Cited<Reference = NumberReference> {
  readonly value: number | null;
  readonly format: NumberFormat;
  readonly reference: Reference;
}

export type Piece<Reference = NumberReference> =
  | string
  | Cited<Reference>
  | readonly Piece<Reference>[];

export interface Citation<Reference = NumberReference> {
  /** From 1. */
  readonly line: number;
  /** From 1, in UTF-16 units. */
  readonly column: number;
  readonly text: string;
  readonly reference: Reference;
  readonly format: NumberFormat;
}

export interface TraceEvidence {
  /** From the document to where the paths of `files` begin. */
  readonly root: string;
  readonly keepDummies: boolean;
  readonly files: readonly { readonly path: string; readonly sha256: string }[];
}

export interface Constant {
  readonly line: number;
  readonly column: number;
  readonly text: string;
}

export interface DocumentEvidence<Reference = NumberReference> {
  readonly schema: typeof DOCUMENT_EVIDENCE_SCHEMA;
  readonly document: string;
  /** Of the whole document as generated. */
  readonly sha256: string;
  /** Of the same bytes; with it `verify` finds one changed digit, however long the text. */
  readonly crc32: string;
  readonly experiment: string;
  readonly numbers: readonly Citation<Reference>[];
  /** The comparisons whose tests are corrected together (`pHolm`). */
  readonly family: readonly ComparisonId[];
  readonly constants: readonly Constant[];
  /** Lines that a person wrote in notes/*.md: included as they are, claimed by nobody. */
  readonly prose: readonly { from: number; to: number; file: string; sha256: string }[];
  /** Routing traces and timing files that numbers are read from. */
  readonly traces?: TraceEvidence;
  /** Drawn from the document, in its folder. */
  readonly pictures?: readonly { file: string; sha256: string }[];
  /** Written together with it, relative to its folder. */
  readonly beside?: readonly string[];
}

/** What vouches for a document as a whole. */
export function fingerprint(text: string): { sha256: string; crc32: string } {
  return { sha256: sha256Hex(text), crc32: crc32Hex(text) };
}

/**
 * The sidecar as it is written: pretty JSON with a digest of all of it, so that a digit changed in
 * the evidence itself is found, also one that rounds away. Throws as `canonicalJson`.
 */
export function sidecarJson<Reference>(evidence: DocumentEvidence<Reference>): string {
  const digest = canonicalSha256(evidence);
  return `${JSON.stringify({ ...evidence, digest }, null, 2)}\n`;
}

export class DocumentBuilder<Reference = NumberReference> {
  readonly #lines: string[] = [];
  readonly #citations: Citation<Reference>[] = [];
  readonly #prose: { from: number; to: number; file: string; sha256: string }[] = [];

  /** Adds one line. A template literal tag, so that the text reads like the document. */
  line(strings: TemplateStringsArray, ...pieces: Piece<Reference>[]): void {
    this.add(
      strings.flatMap((text, i) =>
        i < pieces.length ? [text, pieces[i] as Piece<Reference>] : [text],
      ),
    );
  }

  add(pieces: Piece<Reference>): void {
    const line = this.#lines.length + 1;
    let text = '';
    const put = (piece: Piece<Reference>): void => {
      if (typeof piece === 'string') {
        // A title or a reason may come in several lines; a table row or a list item may not.
        text += piece.replace(/\s*[\r\n]+\s*/g, ' ');
      } else if (isList(piece)) {
        piece.forEach(put);
      } else if (piece.value === null) {
        text += '—';
      } else {
        const { format, reference } = piece;
        const rendered = renderNumber(piece.value, format);
        this.#citations.push({ line, column: text.length + 1, text: rendered, reference, format });
        text += rendered;
      }
    };
    put(pieces);
    this.#lines.push(text.trimEnd());
  }

  blank(): void {
    if (this.#lines.length > 0 && this.#lines.at(-1) !== '') this.#lines.push('');
  }

  heading(level: number, ...pieces: Piece<Reference>[]): void {
    this.blank();
    this.add([`${'#'.repeat(level)} `, ...pieces]);
    this.blank();
  }

  table(header: readonly string[], rows: readonly (readonly Piece<Reference>[])[]): void {
    this.blank();
    this.add(`| ${header.join(' | ')} |`);
    this.add(`|${header.map(() => ' --- ').join('|')}|`);
    for (const row of rows) {
      this.add(['| ', ...row.flatMap((cell, i) => [i === 0 ? '' : ' | ', tableCell(cell)]), ' |']);
    }
    this.blank();
  }

  /** Text of a person's file, line by line, marked as such in the sidecar. */
  prose(file: string, content: string): void {
    const from = this.#lines.length + 1;
    this.#lines.push(...content.replace(/\n$/, '').split('\n'));
    this.#prose.push({ from, to: this.#lines.length, file, sha256: sha256Hex(content) });
  }

  build(of: { document: string; experiment: string; family?: readonly ComparisonId[] }): {
    text: string;
    evidence: DocumentEvidence<Reference>;
  } {
    const { family = [], ...names } = of;
    const text = `${this.#lines.join('\n')}\n`;
    const inProse = (line: number): boolean =>
      this.#prose.some((range) => line >= range.from && line <= range.to);
    // By line: a long document has as many numerals as citations, and both by the thousand.
    const byLine = new Map<number, Citation<Reference>[]>();
    for (const citation of this.#citations) {
      const own = byLine.get(citation.line);
      if (own) own.push(citation);
      else byLine.set(citation.line, [citation]);
    }
    const cited = (line: number, column: number): boolean => {
      const own = byLine.get(line) ?? [];
      return own.some((c) => column >= c.column && column < c.column + c.text.length);
    };
    const constants = findNumerals(text).filter(
      ({ line, column }) => !inProse(line) && !cited(line, column),
    );
    const evidence: DocumentEvidence<Reference> = {
      schema: DOCUMENT_EVIDENCE_SCHEMA,
      ...names,
      ...fingerprint(text),
      numbers: this.#citations,
      family,
      constants,
      prose: this.#prose,
    };
    return { text, evidence };
  }
}

/** A path or a reason may hold the character that ends a cell. */
function tableCell<Reference>(piece: Piece<Reference>): Piece<Reference> {
  if (typeof piece === 'string') return piece.replaceAll('|', '\\|');
  return isList(piece) ? piece.map((part) => tableCell(part)) : piece;
}

function isList<Reference>(piece: Piece<Reference>): piece is readonly Piece<Reference>[] {
  return Array.isArray(piece);
}
