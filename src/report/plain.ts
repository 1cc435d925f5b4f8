/** A document's pieces as plain text, for the terminal and for CSV. */
import { renderNumber } from '../record/numerals.ts';
import type { Piece } from './document.ts';

export function plainText(piece: Piece): string {
  if (typeof piece === 'string') return piece.replaceAll('**', '');
  if (Array.isArray(piece)) return (piece as readonly Piece[]).map(plainText).join('');
  const cited = piece as Exclude<Piece, string | readonly Piece[]>;
  return cited.value === null ? '—' : renderNumber(cited.value, cited.format);
}
