/**
 * Micro-batches by a target token count. Sequences are sorted by length, longest first: rows of
 * one batch then need little padding, and a batch that does not fit in memory fails at once
 * instead of at the end. The order is a pure function of the lengths, so that a resumed run forms
 * the same batches and gets the same bits.
 */
export function packBatches(lengths: readonly number[], batchTokens: number): number[][] {
  const order = lengths.map((_, index) => index);
  order.sort((a, b) => (lengths[b] as number) - (lengths[a] as number) || a - b);
  const batches: number[][] = [];
  let current: number[] = [];
  for (const index of order) {
    const width = lengths[current[0] ?? index] as number;
    if (current.length > 0 && (current.length + 1) * width > batchTokens) {
      batches.push(current);
      current = [];
    }
    current.push(index);
  }
  if (current.length > 0) batches.push(current);
  return batches;
}
