/** The part of an experiment that `--only` names. */
import { UsageError } from '../record/errors.ts';
import type { ExperimentPlan } from './plan.ts';

/** Cells whose name contains one of these texts. Throws UsageError for a text that fits none. */
export function selectCells(plan: ExperimentPlan, only: readonly string[] = []): ExperimentPlan {
  const fits = (name: string, part: string): boolean => name.includes(part);
  const idle = only.filter((part) => !plan.cells.some((cell) => fits(cell.name, part)));
  if (idle.length > 0) {
    throw new UsageError(
      idle.map((part) => `--only ${part}: no cell of ${plan.spec.name} has this in its name`),
      { hint: `the cells: ${plan.cells.map((cell) => cell.name).join(', ')}` },
    );
  }
  if (only.length === 0) return plan;
  const cells = plan.cells.filter((cell) => only.some((part) => fits(cell.name, part)));
  return { ...plan, cells };
}
