/** A check: one kind of statement, when it applies, and its arithmetic. */
import type { LogEvidence } from '../log-evidence.ts';
import type { RecipeResult } from './checks/recipes.ts';
import type { Verdicts } from './finding.ts';
import type { AuditDocument } from './record.ts';

export interface CheckContext {
  /** Everything that is audited together: what one file leaves open another may decide. */
  readonly documents: readonly AuditDocument[];
  /** With `--logs DIR`. */
  readonly logs: LogEvidence | null;
  /** What the documents' own recipes found in the logs. */
  readonly recipes?: ReadonlyMap<AuditDocument, readonly RecipeResult[]>;
}

export interface Check {
  /** Kebab-case, in messages and --json. */
  readonly name: string;
  /** One line for docs/audit.md. */
  readonly says: string;
  run(document: AuditDocument, context: CheckContext): Verdicts;
}
