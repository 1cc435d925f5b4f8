/** "Git SHA recording for code state", beside results files in which it is null. */
import type { Check } from '../check.ts';
import { Judge } from '../finding.ts';
import { type AuditDocument, type Field, placeOf } from '../record.ts';

/** What a document says is recorded, and the key that results files have for it. */
const THINGS: readonly { readonly said: RegExp; readonly key: RegExp }[] = [
  {
    said: /\bgit (?:sha|commit|hash)\b.{0,30}\b(?:record|track|captur|log)/i,
    key: /^(?:git_?sha|(?:git_?)?commit(?:_hash|_sha)?)$/i,
  },
  {
    said: /\btokenizer\b.{0,30}\b(?:hash|checksum|compatib|confirm|verif)/i,
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
    for (const { said, key } of document.kind === 'markdown' ? THINGS : []) {
      const fields = documents.flatMap((d) => fieldsNamed(d, key).map((f) => ({ d, f })));
      if (fields.length === 0) continue;
      const open = fields.filter(({ f }) => f.text === '');
      const passage = document.passages.find((p) => said.test(p.text));
      const match = passage && said.exec(passage.text);
      if (!passage || !match) continue;
      if (open.length < fields.length) {
        judge.held();
        continue;
      }
      const [first] = open;
      judge.found({
        severity: 'refuted',
        place: placeOf(passage.place, { at: match.index, text: match[0] }),
        written: passage.text.trim(),
        arithmetic:
          `${first?.f.label} is null in all ${open.length} results, ` +
          `first ${first?.d.path}:${first?.f.place.line}`,
        follows: 'it was not recorded',
      });
    }
    return judge.verdicts;
  },
};
