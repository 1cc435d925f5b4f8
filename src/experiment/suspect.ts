/** Whether a benchmark can be believed: what the machine did while it ran. */
import type { Finding, Metric } from '../record/schema.ts';

/** The last rounds may take this much more or less time than the first. */
export const MAX_DRIFT = 0.1;
/** Share of all CPU time that other machines and other programs may take. */
export const MAX_STOLEN_SHARE = 0.1;

/**
 * `suspect-drift` and `suspect-contention`, as warnings with the arithmetic. The figures stay as
 * they are: what cannot be trusted is said, not corrected.
 */
export function suspectFindings(metrics: Readonly<Record<string, Metric>>): Finding[] {
  const findings: Finding[] = [];
  const drift = metrics.drift?.value ?? null;
  if (drift !== null && Math.abs(drift - 1) > MAX_DRIFT) {
    const message =
      `the last third of the rounds took ${drift.toFixed(3)} times as long as the first: ` +
      `more than ${percent(MAX_DRIFT)} apart, the machine changed meanwhile`;
    const evidence = { drift, limit: MAX_DRIFT };
    findings.push({ code: 'suspect-drift', severity: 'warning', message, evidence });
  }
  const stolen = metrics.stolenShare?.value ?? null;
  if (stolen !== null && stolen > MAX_STOLEN_SHARE) {
    const message =
      `others took ${percent(stolen)} of the CPU time of this machine: more than ` +
      `${percent(MAX_STOLEN_SHARE)}, the times are those of a busy machine`;
    const evidence = { stolenShare: stolen, limit: MAX_STOLEN_SHARE };
    findings.push({ code: 'suspect-contention', severity: 'warning', message, evidence });
  }
  return findings;
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}
