/** Places for the names of points, so that none lies on another name or point. */

export interface Point {
  readonly x: number;
  readonly y: number;
  readonly text: string;
}

export interface PlacedLabel {
  /** Left end of the text and its middle line, px from the top left. */
  readonly x: number;
  readonly y: number;
}

/** Of the plot, px. */
interface Size {
  readonly width: number;
  readonly height: number;
}

interface Box {
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
}

/** Advance of DejaVu Sans at 10 px, on average: a little too wide, so that nothing touches. */
const CHARACTER = 6.2;
const LINE = 12;
const GAP = 8;
/** How far above or below its point a name may stand, and in what steps, px. */
const REACH = 48;
const STEP = 4;

/**
 * Greedy, in reading order: of places around a point, nearest first, the one that overlaps least.
 * Points are in px within `size`. Quadratic in the number of points.
 */
export function placeLabels(points: readonly Point[], size: Size): PlacedLabel[] {
  const taken: Box[] = points.map(({ x, y }) => box(x - 5, x + 5, y));
  const order = points.map((_, i) => i);
  order.sort((a, b) => points[a]!.y - points[b]!.y || points[a]!.x - points[b]!.x);
  const placed: PlacedLabel[] = [];
  for (const i of order) {
    const point = points[i]!;
    const width = point.text.length * CHARACTER;
    let best: { at: Box; cost: number } | null = null;
    for (const candidate of candidates(point, width)) {
      const at = moveInside(candidate, size);
      const cost = taken.reduce((area, other) => area + overlap(at, other), 0);
      if (best === null || cost < best.cost) best = { at, cost };
      if (cost === 0) break;
    }
    const { at } = best!;
    taken.push(at);
    placed[i] = { x: at.left, y: (at.top + at.bottom) / 2 };
  }
  return placed;
}

function box(left: number, right: number, middle: number): Box {
  return { left, right, top: middle - LINE / 2, bottom: middle + LINE / 2 };
}

/** What is wider or higher than the plot begins at its left and top. */
function moveInside({ left, right, top, bottom }: Box, size: Size): Box {
  const dx = Math.max(-left, Math.min(0, size.width - right));
  const dy = Math.max(-top, Math.min(0, size.height - bottom));
  return { left: left + dx, right: right + dx, top: top + dy, bottom: bottom + dy };
}

function candidates({ x, y }: Point, width: number): Box[] {
  return Array.from({ length: REACH / STEP + 1 }, (_, ring) => ring * STEP).flatMap((dy) => {
    const right = box(x + GAP, x + GAP + width, y - dy);
    const left = box(x - GAP - width, x - GAP, y - dy);
    const middle = (at: number): Box => box(x - width / 2, x + width / 2, at);
    return [
      right,
      box(right.left, right.right, y + dy),
      left,
      box(left.left, left.right, y + dy),
      middle(y - GAP - 3 - dy),
      middle(y + GAP + 3 + dy),
    ];
  });
}

function overlap(a: Box, b: Box): number {
  const width = Math.min(a.right, b.right) - Math.max(a.left, b.left);
  const height = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
  return width > 0 && height > 0 ? width * height : 0;
}
