/** Files in, verdicts out: one that cannot be read is told, and the rest goes on. */
import { isAbsolute, join } from 'node:path';
import { AssayError } from '../../record/errors.ts';
import type { LogEvidence } from '../log-evidence.ts';
import { type AuditedDocument, auditDocument } from './audit.ts';
import { type RecipeResult, runRecipes } from './checks/recipes.ts';
import { auditOwnDocument, sidecarOf } from './own-document.ts';
import { openDocument } from './read-document.ts';
import type { AuditDocument } from './record.ts';

export interface FailedFile {
  readonly path: string;
  readonly error: AssayError;
}

export interface Audit {
  readonly files: readonly AuditedDocument[];
  readonly failed: readonly FailedFile[];
  /** Of foreign documents, for `--fix`. */
  readonly documents: readonly AuditDocument[];
}

export async function auditFiles(
  paths: readonly string[],
  { cwd, logs, signal }: { cwd: string; logs: LogEvidence | null; signal?: AbortSignal },
): Promise<Audit> {
  const failed: FailedFile[] = [];
  const own: AuditedDocument[] = [];
  const documents: AuditDocument[] = [];
  for (const path of paths) {
    const absolute = isAbsolute(path) ? path : join(cwd, path);
    try {
      const document = openDocument(absolute, path);
      const sidecar = sidecarOf(absolute);
      if (sidecar) own.push(await auditOwnDocument(absolute, sidecar));
      else documents.push(document);
    } catch (error) {
      if (!(error instanceof AssayError)) throw error;
      failed.push({ path, error });
    }
  }
  const recipes = new Map<AuditDocument, RecipeResult[]>();
  for (const document of logs ? documents : []) {
    recipes.set(document, await runRecipes(document, logs as LogEvidence, signal));
  }
  const context = { documents, logs, recipes };
  const foreign = documents.map((document) => auditDocument(document, context));
  return { files: [...own, ...foreign], failed, documents };
}
