/** The section of LOGS.md that says what became of the claims about the logs. */
import type { Evidence } from '../logs/log-index.ts';
import type { LogNumberReference } from '../logs/log-number.ts';
import type { DocumentBuilder } from './document.ts';
import { code, escaped } from './log-index-document.ts';

export interface DecidedClaim {
  readonly claim: string;
  readonly verdict: string;
  readonly reason: string;
  readonly evidence: readonly Evidence[];
}

export function claimsSection(
  doc: DocumentBuilder<LogNumberReference>,
  decided: readonly DecidedClaim[],
): void {
  if (decided.length === 0) return;
  doc.heading(2, 'Claims');
  doc.table(
    ['Claim', 'Verdict', 'Why', 'Evidence'],
    decided.map(({ claim, verdict, reason, evidence }) => {
      const [first] = evidence;
      const shown = first ? `${code(first.path)} line ${first.line}` : '—';
      return [escaped(claim), verdict, escaped(reason), shown];
    }),
  );
}
