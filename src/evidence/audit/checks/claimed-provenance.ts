/** "Git SHA recording for code state", beside results files in which it is null. */
import type { Check } from '../check.ts';
import { Judge } from '../finding.ts';
import { type AuditDocument, type Field, placeOf } from '../record.ts';

/** What a document says is recorded, and the key that results files have for it. */
const THINGS: readonly { readonly said: RegExp; readonly key: RegExp; readonly by?: 'trace' }[] = [
  {
    said: /\bgit (?:sha|commit|hash)\b.{0,30}\b(?:record|track|captur|log)/i,
    key: /^(?:git_?sha|(?:git_?)?commit(?:_hash|_sha)?)$/i,
  },
  {
    said: /\btokenizer\b.{0,10}\b(?:hash|checksum)/i,
    key: /^tokenizer_(?:hash|sha|checksum)$/i,
  },
  {
    // It may have been confirmed; a hash would be the trace that it left.
    by: 'trace',
    said: /\btokenizer\b.{0,30}\b(?:compatib|confirm|verif)/i,
    key: /^tokenizer_(?:hash|sha|checksum)$/i,
  },
  {
    said: /\b(?:model|checkpoint)\b.{0,20}\b(?:revision|hash)\b.{0,20}\b(?:record|pin|track)/i,
    key: /^(?:revision|model_(?:hash|revision))$/i,
  },
];

function fieldsNamed(document: AuditDocument, key: RegExp): Field[] {
  if (document.kind !== 'json') return [];
  return document.records.flatMap((r) => r.fields.filter((f) => key.test(f.label)));
}

export const claimedProvenanceCheck: Check = {
  name: 'claimed-provenance',
  says: 'what a document says is recorded (commit, tokenizer hash) is not null in the results',
  run(document, { documents }) {
    const judge = new Judge(this.name, document);
    for (const { said, key, by } of document.kind === 'markdown' ? THINGS : []) {
      const fields = documents.flatMap((d) => fieldsNamed(d, key).map((f) => ({ d, f })));
      if (fields.length === 0) continue;
      const open = fields.filter(({ f }) => f.text === '');
      const passage = document.passages.find((p) => said.test(p.text));
      const match = passage && said.exec(passage.text);
      if (!passage || !match) continue;
      if (open.length === 0) {
        judge.held();
        continue;
      }
      const [first] = open;
      judge.found({
        severity: by ? 'not-evidenced' : open.length === fields.length ? 'refuted' : 'suspicious',
        place: placeOf(passage.place, { at: match.index, text: match[0] }),
        written: passage.text.trim(),
        arithmetic:
          `${first?.f.label} is null in ${open.length} of ${fields.length} results, ` +
          `first ${first?.d.path}:${first?.f.place.line}`,
        follows: by ? 'nothing that was recorded shows it' : 'it was not recorded',
      });
    }
    return judge.verdicts;
  },
};
