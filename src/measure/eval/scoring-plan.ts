/** An eval plan as the scoring loop wants it. */
import type { ScoredWindow } from '../../engine/engine.ts';
import type { WindowRow } from '../../record/rows.ts';
import { type BatchPlan, type ScoringPlan, windowPlan } from '../scoring.ts';
import type { EvalPlan } from './plan.ts';
import type { PlannedWindow } from './windows.ts';

export function evalScoringPlan(plan: EvalPlan): ScoringPlan & BatchPlan {
  const windows: ScoringPlan = {
    batches: plan.batches,
    windowAt: (index) => plan.windowIds(index),
    rowOf: (index, batch, scored) => windowRow(plan.windows[index] as PlannedWindow, batch, scored),
  };
  return { ...windows, ...windowPlan(windows) };
}

function windowRow(planned: PlannedWindow, batch: number, scored: ScoredWindow): WindowRow {
  return {
    kind: 'window',
    batch,
    document: planned.document,
    window: planned.window,
    scoreFrom: planned.scoreFrom,
    logp: Array.from(scored.logp),
    hit: Array.from(scored.hit).join(''),
    topLogp: Array.from(scored.topLogp),
    sumSquares: Array.from(scored.sumSquares),
  };
}
