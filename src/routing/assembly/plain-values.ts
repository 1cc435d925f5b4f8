/** Plain numbers of a page; none may be negative, above `most`, or no number. */

const INT32: u32 = 0;
const INT64: u32 = 1;
const FLOAT: u32 = 2;

const TO_U16: u32 = 0;
const TO_U32: u32 = 1;
const TO_F32: u32 = 2;

function floats(at: usize, count: u32, to: usize, most: f32): bool {
  let ok = i32x4.splat(-1);
  const zeros = f32x4.splat(0);
  const mosts = f32x4.splat(most);
  const whole = (<usize>(count & ~3)) << 2;
  for (let i: usize = 0; i < whole; i += 16) {
    const values = v128.load(at + i);
    ok = v128.and(ok, v128.and(f32x4.ge(values, zeros), f32x4.le(values, mosts)));
    v128.store(to + i, values);
  }
  const end = (<usize>count) << 2;
  for (let i = whole; i < end; i += 4) {
    const value = load<f32>(at + i);
    if (!(value >= 0 && value <= most)) return false;
    store<f32>(to + i, value);
  }
  return i32x4.all_true(ok);
}

/** Any number as a double, which has all of those that are allowed. */
function valueAt(at: usize, type: u32): f64 {
  if (type === INT32) return <f64>load<i32>(at);
  if (type === INT64) return <f64>load<i64>(at);
  return type === FLOAT ? <f64>load<f32>(at) : load<f64>(at);
}

export function plainValues(
  at: usize,
  type: u32,
  count: u32,
  to: usize,
  kind: u32,
  most: f64,
): bool {
  if (type === FLOAT && kind === TO_F32) return floats(at, count, to, <f32>most);
  const step: usize = type === INT32 || type === FLOAT ? 4 : 8;
  let from = at;
  for (let i: usize = 0; i < <usize>count; i++, from += step) {
    const value = valueAt(from, type);
    if (!(value >= 0 && value <= most)) return false;
    if (kind === TO_U16) store<u16>(to + (i << 1), <u16>(<u32>value));
    else if (kind === TO_U32) store<u32>(to + (i << 2), <u32>value);
    else store<f32>(to + (i << 2), <f32>value);
  }
  return true;
}
