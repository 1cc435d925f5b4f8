/**
 * Sliding windows over a document, as the field scores long texts: window k covers tokens
 * [k·S, k·S + W); the first scores all but token 0, later ones only what no earlier one scored
 * (their last S tokens; the last window of a document may be shorter).
 */
export interface WindowShape {
  /** W: tokens a window holds, ≥ 2. */
  readonly context: number;
  /** S: 1 … W. With S = W a window's first token has no context and stays unscored. */
  readonly stride: number;
}

/** Half-open range of document tokens; `scoreFrom` is an index within the window, ≥ 1. */
export interface WindowRange {
  readonly begin: number;
  readonly end: number;
  readonly scoreFrom: number;
}

export function windowsOf(length: number, shape: WindowShape): WindowRange[] {
  const windows: WindowRange[] = [];
  let scored = 0;
  for (let begin = 0; begin + 1 < length; begin += shape.stride) {
    const end = Math.min(begin + shape.context, length);
    const scoreFrom = Math.max(1, scored - begin);
    if (scoreFrom < end - begin) windows.push({ begin, end, scoreFrom });
    scored = end;
    if (end === length) break;
  }
  return windows;
}

export interface PlannedWindow extends WindowRange {
  readonly document: number;
  /** Counts within the document. */
  readonly window: number;
}

export interface WindowPlan {
  readonly windows: readonly PlannedWindow[];
  readonly scoredTokens: number;
}

/**
 * Windows over documents in their order until exactly `budget` tokens are scored: the last window
 * is cut short. A budget of Infinity takes everything.
 */
export function planWindows(
  lengths: Iterable<number>,
  shape: WindowShape,
  budget: number,
): WindowPlan {
  const windows: PlannedWindow[] = [];
  let scoredTokens = 0;
  let document = -1;
  for (const length of lengths) {
    document++;
    for (const [index, range] of windowsOf(length, shape).entries()) {
      const take = Math.min(range.end - range.begin - range.scoreFrom, budget - scoredTokens);
      if (take === 0) break;
      const end = range.begin + range.scoreFrom + take;
      windows.push({ ...range, end, document, window: index });
      scoredTokens += take;
    }
    if (scoredTokens === budget) break;
  }
  return { windows, scoredTokens };
}
