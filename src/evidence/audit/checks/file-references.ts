/** Files that a document names: are they there, and where it says? */
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { resolveGlob } from '../../log-evidence.ts';
import type { Check, CheckContext } from '../check.ts';
import { Judge } from '../finding.ts';
import { type AuditDocument, type DataRecord, placeOf, type TextPlace } from '../record.ts';

export interface FileReference {
  readonly path: string;
  readonly place: TextPlace;
  readonly record: DataRecord | null;
}

const ENDINGS = 'log|err|out|txt|csv|tsv|jsonl?|md|py|ts|js|sh|ya?ml|ipynb|png|pdf|parquet';
const EXTENSION = new RegExp(String.raw`\.(?:${ENDINGS}|safetensors|onnx|gguf)$`, 'i');
const CODE = /`([^`\s][^`]*)`/g;

/** Names in backticks, and a table's `Log File` with its `Location`. Patterns and code are not. */
export function fileReferences(document: AuditDocument): FileReference[] {
  const seen = new Set<string>();
  const found: FileReference[] = [];
  for (const passage of document.passages) {
    for (const match of passage.text.matchAll(CODE)) {
      const name = (match[1] as string).trim();
      if (!EXTENSION.test(name) || /[*<>$|{}=()]|^\.[^/]+$|:\/\//.test(name)) continue;
      if (/\s/.test(name) && !name.includes('/')) continue;
      const path = located(name, passage.record);
      if (seen.has(path)) continue;
      seen.add(path);
      const place = placeOf(passage.place, { at: match.index + 1, text: match[1] as string });
      found.push({ path, place, record: passage.record });
    }
  }
  for (const table of document.tables) {
    for (const row of table.rows) {
      for (const { role, text, place } of row.fields) {
        if (role !== 'file' || !PATH.test(text) || seen.has(text)) continue;
        seen.add(text);
        found.push({ path: text, place, record: row });
      }
    }
  }
  return found;
}

/** A cell of a `Results File` column: a relative path, and nothing else. */
const PATH = /^(?:[\w.-]+\/)+[\w.-]*$/;

function located(name: string, record: DataRecord | null): string {
  if (name.includes('/') || record?.kind !== 'row') return name;
  const location = record.fields.find((f) => /^(?:location|directory|folder|path)$/i.test(f.label));
  const folder = /`?([^`]+)`?/.exec(location?.text ?? '')?.[1]?.trim();
  return folder ? `${folder.replace(/\/+$/, '')}/${name}` : name;
}

/** `there` also where a document that is audited beside it is the file. */
function stateOf(
  reference: FileReference,
  document: AuditDocument,
  { logs, documents }: CheckContext,
): { state: 'there' } | { state: 'missing' } | { state: 'moved'; to: string } {
  const name = reference.path.split('/').at(-1) as string;
  if (existsSync(join(dirname(document.absolutePath), reference.path))) return { state: 'there' };
  if (documents.some((d) => d.path.split('/').at(-1) === name)) return { state: 'there' };
  if (logs && existsSync(join(logs.root, reference.path))) return { state: 'there' };
  const [found] = logs ? resolveGlob(logs.index, reference.path) : [];
  if (!found) return { state: 'missing' };
  // A bare name promises no place.
  if (found.how === 'there' || !reference.path.includes('/')) return { state: 'there' };
  return { state: 'moved', to: found.file.path };
}

export const fileReferenceCheck: Check = {
  name: 'file-reference',
  says: 'files that the document names in backticks are there: beside it, or in the logs',
  run(document, context) {
    const judge = new Judge(this.name, document);
    if (document.kind !== 'markdown') return judge.verdicts;
    const missing: FileReference[] = [];
    const moved: { reference: FileReference; to: string }[] = [];
    for (const reference of fileReferences(document)) {
      const state = stateOf(reference, document, context);
      if (state.state === 'there') judge.held();
      else if (state.state === 'moved') moved.push({ reference, to: state.to });
      else missing.push(reference);
    }
    const where = context.logs ? 'nor among the logs' : 'and no --logs were given';
    const [first] = missing;
    if (first) {
      const names = missing.map((m) => `${m.path} (line ${m.place.line})`);
      judge.found({
        severity: 'not-evidenced',
        place: first.place,
        written: `${missing.length} files that are named`,
        arithmetic: `not beside the document, ${where}: ${listed(names)}`,
        follows: 'what they are to show cannot be looked at',
      });
    }
    const [astray] = moved;
    if (astray) {
      const names = moved.map(({ reference, to }) => `${reference.path} is ${to}`);
      judge.found({
        severity: 'suspicious',
        place: astray.reference.place,
        written: `${moved.length} paths`,
        arithmetic: listed(names),
        follows: 'the files are not where the document says',
      });
    }
    return judge.verdicts;
  },
};

function listed(names: readonly string[]): string {
  const shown = names.slice(0, 10).join('; ');
  return names.length > 10 ? `${shown}; and ${names.length - 10} more` : shown;
}
