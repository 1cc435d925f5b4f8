/** Sums, means and quantiles. Everything accumulates in f64. */

/** Neumaier's compensated sum: error below 2 ulp of Σ|x| whatever the order. */
export function sum(values: Iterable<number>): number {
  let total = 0;
  let lost = 0;
  for (const x of values) {
    const next = total + x;
    lost += Math.abs(total) >= Math.abs(x) ? total - next + x : x - next + total;
    total = next;
  }
  return total + lost;
}

/** NaN for an empty list. */
export function mean(values: readonly number[]): number {
  return sum(values) / values.length;
}

/**
 * Hyndman and Fan's type 7 quantile (numpy's and R's default) of values sorted ascending.
 * `q` in [0, 1]; NaN for an empty list.
 */
export function quantile(sorted: ArrayLike<number>, q: number): number {
  if (sorted.length === 0) return Number.NaN;
  const h = (sorted.length - 1) * q;
  const low = Math.floor(h);
  const a = sorted[low] as number;
  const b = sorted[Math.min(low + 1, sorted.length - 1)] as number;
  return a + (h - low) * (b - a);
}
