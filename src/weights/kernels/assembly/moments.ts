/** Moments of blocks of F32. Sums have one fixed order, so that they are reproducible. */

function highPair(x: v128): v128 {
  return f64x2.promote_low_f32x4(
    i8x16.shuffle(x, x, 8, 9, 10, 11, 12, 13, 14, 15, 8, 9, 10, 11, 12, 13, 14, 15),
  );
}

function both(x: v128): f64 {
  return f64x2.extract_lane(x, 0) + f64x2.extract_lane(x, 1);
}

/**
 * Of finite f32: mean, Σ(x − mean)², ³, ⁴, zeros, least and largest value as f64 [7]. The four
 * sums of neighbours are each added up by themselves, then 0 + 1 and 2 + 3, then both; what is left
 * over of n is added last.
 */
export function blockMoments(src: usize, n: u32, dst: usize): void {
  const end = src + 4 * <usize>n;
  const whole = src + 4 * <usize>(n & ~3);
  let a = f64x2.splat(0);
  let b = f64x2.splat(0);
  let least = f32x4.splat(Infinity);
  let most = f32x4.splat(-Infinity);
  let none = i32x4.splat(0);
  for (let at = src; at < whole; at += 16) {
    const x = v128.load(at);
    a = f64x2.add(a, f64x2.promote_low_f32x4(x));
    b = f64x2.add(b, highPair(x));
    least = f32x4.pmin(least, x);
    most = f32x4.pmax(most, x);
    none = i32x4.sub(none, f32x4.eq(x, f32x4.splat(0)));
  }
  let sum = both(a) + both(b);
  let low = min(lowest(least, 0), lowest(least, 2));
  let high = max(highest(most, 0), highest(most, 2));
  let zeros: f64 = <f64>(
    (i32x4.extract_lane(none, 0) +
      i32x4.extract_lane(none, 1) +
      i32x4.extract_lane(none, 2) +
      i32x4.extract_lane(none, 3))
  );
  for (let at = whole; at < end; at += 4) {
    const x = load<f32>(at);
    sum += x;
    low = min(low, x);
    high = max(high, x);
    if (x === 0) zeros += 1;
  }
  const mean: f64 = n === 0 ? 0 : sum / n;
  centralMoments(src, n, mean, dst);
  store<f64>(dst, mean);
  store<f64>(dst, zeros, 32);
  // −0 and 0 are one.
  store<f64>(dst, <f64>low + 0, 40);
  store<f64>(dst, <f64>high + 0, 48);
}

function lowest(x: v128, lane: u8): f32 {
  if (lane === 0) return min(f32x4.extract_lane(x, 0), f32x4.extract_lane(x, 1));
  return min(f32x4.extract_lane(x, 2), f32x4.extract_lane(x, 3));
}

function highest(x: v128, lane: u8): f32 {
  if (lane === 0) return max(f32x4.extract_lane(x, 0), f32x4.extract_lane(x, 1));
  return max(f32x4.extract_lane(x, 2), f32x4.extract_lane(x, 3));
}

function centralMoments(src: usize, n: u32, mean: f64, dst: usize): void {
  const end = src + 4 * <usize>n;
  const whole = src + 4 * <usize>(n & ~3);
  const m = f64x2.splat(mean);
  let a2 = f64x2.splat(0);
  let a3 = a2;
  let a4 = a2;
  let b2 = a2;
  let b3 = a2;
  let b4 = a2;
  for (let at = src; at < whole; at += 16) {
    const x = v128.load(at);
    const d = f64x2.sub(f64x2.promote_low_f32x4(x), m);
    const e = f64x2.sub(highPair(x), m);
    const dd = f64x2.mul(d, d);
    const ee = f64x2.mul(e, e);
    a2 = f64x2.add(a2, dd);
    b2 = f64x2.add(b2, ee);
    a3 = f64x2.add(a3, f64x2.mul(dd, d));
    b3 = f64x2.add(b3, f64x2.mul(ee, e));
    a4 = f64x2.add(a4, f64x2.mul(dd, dd));
    b4 = f64x2.add(b4, f64x2.mul(ee, ee));
  }
  let m2 = both(a2) + both(b2);
  let m3 = both(a3) + both(b3);
  let m4 = both(a4) + both(b4);
  for (let at = whole; at < end; at += 4) {
    const d = <f64>load<f32>(at) - mean;
    m2 += d * d;
    m3 += d * d * d;
    m4 += d * d * (d * d);
  }
  store<f64>(dst, m2, 8);
  store<f64>(dst, m3, 16);
  store<f64>(dst, m4, 24);
}
