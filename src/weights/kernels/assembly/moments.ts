/** Sums over blocks of F32, in one fixed order, so that they are reproducible. */

function highPair(x: v128): v128 {
  return f64x2.promote_low_f32x4(
    i8x16.shuffle(x, x, 8, 9, 10, 11, 12, 13, 14, 15, 8, 9, 10, 11, 12, 13, 14, 15),
  );
}

function both(x: v128): f64 {
  return f64x2.extract_lane(x, 0) + f64x2.extract_lane(x, 1);
}

function lowest(x: v128, lane: u8): f32 {
  if (lane === 0) return min(f32x4.extract_lane(x, 0), f32x4.extract_lane(x, 1));
  return min(f32x4.extract_lane(x, 2), f32x4.extract_lane(x, 3));
}

function highest(x: v128, lane: u8): f32 {
  if (lane === 0) return max(f32x4.extract_lane(x, 0), f32x4.extract_lane(x, 1));
  return max(f32x4.extract_lane(x, 2), f32x4.extract_lane(x, 3));
}

/**
 * Of finite f32, d = x − center: Σd, Σd², Σd³, Σd⁴, least and largest x as f64 [6]. Of four
 * neighbours 0 and 2, and 1 and 3, are added, then to what came before; these two sums last, and
 * then what is left over of n.
 */
export function blockSums(src: usize, n: u32, center: f64, dst: usize): void {
  const end = src + 4 * <usize>n;
  const whole = src + 4 * <usize>(n & ~3);
  const c = f64x2.splat(center);
  // More of them than these do not fit into the registers.
  let s1 = f64x2.splat(0);
  let s2 = s1;
  let s3 = s1;
  let s4 = s1;
  let least = f32x4.splat(Infinity);
  let most = f32x4.splat(-Infinity);
  for (let at = src; at < whole; at += 16) {
    const x = v128.load(at);
    least = f32x4.pmin(least, x);
    most = f32x4.pmax(most, x);
    const d = f64x2.sub(f64x2.promote_low_f32x4(x), c);
    const e = f64x2.sub(highPair(x), c);
    s1 = f64x2.add(s1, f64x2.add(d, e));
    const dd = f64x2.mul(d, d);
    const ee = f64x2.mul(e, e);
    s2 = f64x2.add(s2, f64x2.add(dd, ee));
    s3 = f64x2.add(s3, f64x2.add(f64x2.mul(dd, d), f64x2.mul(ee, e)));
    s4 = f64x2.add(s4, f64x2.add(f64x2.mul(dd, dd), f64x2.mul(ee, ee)));
  }
  let t1 = both(s1);
  let t2 = both(s2);
  let t3 = both(s3);
  let t4 = both(s4);
  let low = min(lowest(least, 0), lowest(least, 2));
  let high = max(highest(most, 0), highest(most, 2));
  for (let at = whole; at < end; at += 4) {
    const x = load<f32>(at);
    low = min(low, x);
    high = max(high, x);
    const d = <f64>x - center;
    t1 += d;
    t2 += d * d;
    t3 += d * d * d;
    t4 += d * d * (d * d);
  }
  store<f64>(dst, t1);
  store<f64>(dst, t2, 8);
  store<f64>(dst, t3, 16);
  store<f64>(dst, t4, 24);
  // −0 and 0 are one.
  store<f64>(dst, <f64>low + 0, 32);
  store<f64>(dst, <f64>high + 0, 40);
}

/** How many f32 are zero, whatever their sign. */
export function countZeros(src: usize, n: u32): u32 {
  const end = src + 4 * <usize>n;
  const whole = src + 4 * <usize>(n & ~3);
  let none = i32x4.splat(0);
  for (let at = src; at < whole; at += 16) {
    none = i32x4.sub(none, f32x4.eq(v128.load(at), f32x4.splat(0)));
  }
  let zeros: u32 =
    i32x4.extract_lane(none, 0) +
    i32x4.extract_lane(none, 1) +
    i32x4.extract_lane(none, 2) +
    i32x4.extract_lane(none, 3);
  for (let at = whole; at < end; at += 4) if (load<f32>(at) === 0) zeros++;
  return zeros;
}
