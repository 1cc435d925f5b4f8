/** How much text the scored tokens of each window stand for, for bits per byte. */

/** Half-open range of a document's tokens. */
export interface TokenRange {
  readonly from: number;
  readonly to: number;
}

export interface DecodedDocument {
  readonly text: string;
  readonly ids: readonly number[];
  /** Special tokens become nothing. */
  decode(ids: readonly number[]): string;
}

/**
 * UTF-8 bytes of each range; a character belongs to the token that completes it, so that ranges
 * that follow one another add up. null where the decoded tokens are not as long as the text: a
 * tokenizer that changes what it reads would be charged for a text that it never saw.
 * Decodes every token twice, whatever the length of the document.
 */
export function bytesOfRanges(
  document: DecodedDocument,
  ranges: readonly TokenRange[],
): number[] | null {
  const { text, ids } = document;
  const ends = new Set([...ranges.flatMap(({ from, to }) => [from, to]), ids.length]);
  const until = new Map([[0, 0]]);
  let [anchor, last, total] = [0, 0, 0];
  let complete = true;
  for (const end of [...ends].filter((end) => end > 0).toSorted((a, b) => a - b)) {
    // A token's text depends on those before it: both pieces start before the last end, and where
    // no character is cut.
    const known = whole(document.decode(ids.slice(anchor, last)));
    const decoded = document.decode(ids.slice(anchor, end));
    const now = end === ids.length ? decoded : whole(decoded);
    total += Buffer.byteLength(now) - Buffer.byteLength(known);
    until.set(end, total);
    if (complete) anchor = last;
    complete = decoded === whole(decoded);
    last = end;
  }
  if (total !== Buffer.byteLength(text)) return null;
  return ranges.map(({ from, to }) => (until.get(to) as number) - (until.get(from) as number));
}

/** Without the mark that a decoder writes for the bytes of a character that is not complete. */
function whole(text: string): string {
  return text.replace(/\uFFFD+$/, '');
}
