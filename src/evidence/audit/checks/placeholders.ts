/** Dashes, blanks and templates where a fact is claimed. */
import { isQuantized } from '../baseline.ts';
import type { Check } from '../check.ts';
import { Judge } from '../finding.ts';
import { type AuditDocument, type DataRecord, type Field, placeOf } from '../record.ts';
import { words } from '../role.ts';

/** `-`, `TBD`, `XX.XX%`, `YYYY-MM-DD`, `[Method]`, `$X.XX`, `Your Name`, `+/- XX%`, `⏳ Pending`. */
const FORMS = new RegExp(
  [
    '[-–—−?]+',
    String.raw`[⏳🔄]\s*\w[\w ]*`,
    String.raw`[~$+\-\/ ]*X(?:X+|X*\.X+)(?:\.X+)?\s*(?:%|[A-Za-z\/]+)?(?:\s*\([^)]*X[^)]*\))?`,
    'YYYY-MM-DD(?:.*)?',
    String.raw`\[[^\]]+\](?!\()`,
  ]
    .map((form) => `(?:${form})`)
    .join('|'),
  'u',
);
const OPEN = 'n/?a|tbd|tba|todo|pending|null|none yet|to be (?:determined|added|filled)';
const WORDS = new RegExp(`^(?:${OPEN}|your name|yes/no)$`, 'i');
const WHOLE = new RegExp(`^(?:${FORMS.source})$`, 'u');

/** Columns that may be empty without a claim behind them. */
const OPTIONAL = /^(?:notes?|remarks?|comments?|observations?|)$/i;

export function isPlaceholder(text: string): boolean {
  const plain = text.trim().replaceAll(/[*`]/g, '');
  return plain === '' || WHOLE.test(plain) || WORDS.test(plain);
}

const RELATIVE = new Set(['speedup', 'reduction', 'degradation', 'change']);

/** A baseline has no speedup over itself: a dash there says what is so. */
function isClaim(field: Field, row: DataRecord): boolean {
  if (OPTIONAL.test(field.label)) return false;
  return !(field.role !== null && RELATIVE.has(field.role) && !isQuantized(row));
}

interface Open {
  readonly first: Field;
  readonly open: number;
  readonly of: number;
  readonly what: string;
  readonly title: string;
  readonly labels: readonly string[];
}

/** From this many places on the document is a form that nobody filled in. */
const FORM = 5;

export const placeholderCheck: Check = {
  name: 'placeholder',
  says: 'no dash, blank, XX or [text] stands where a table or a key claims a fact',
  run(document) {
    const judge = new Judge(this.name, document);
    const all: Open[] = [];
    for (const table of document.kind === 'markdown' ? document.tables : []) {
      const cells = table.rows.flatMap((row) => row.fields.filter((f) => isClaim(f, row)));
      all.push(...openIn(cells, { what: 'cells', title: table.title }));
    }
    for (const record of document.records) {
      if (record.kind === 'row' || record.kind === 'sentence') continue;
      if (document.kind === 'json') {
        tellNulls(judge, document, record.fields);
        continue;
      }
      const filled = record.fields.filter((f) => f.text.trim() !== '');
      all.push(...openIn(filled, { what: 'values', title: record.title }));
    }
    if (all.length >= FORM) tellForm(judge, all);
    else {
      for (const one of all) tell(judge, one);
      tellVouching(judge, document, all);
    }
    return judge.verdicts;
  },
};

function openIn(fields: readonly Field[], told: { what: string; title: string }): Open[] {
  const open = fields.filter((f) => isPlaceholder(f.text));
  const [first] = open;
  if (!first) return [];
  const labels = [...new Set(open.map((f) => f.label))];
  return [{ first, open: open.length, of: fields.length, labels, ...told }];
}

const writtenIn = ({ first }: Open): string =>
  `${first.label}: ${first.text.trim() === '' ? 'nothing' : `"${first.text.trim()}"`}`;

function tell(judge: Judge, one: Open): void {
  judge.found({
    severity: 'not-evidenced',
    place: one.first.place,
    written: writtenIn(one),
    arithmetic:
      `${one.open} of ${one.of} ${one.what}${one.title ? ` under "${one.title}"` : ''} ` +
      `say nothing: ${one.labels.slice(0, 6).join(', ')}`,
    follows: 'what is claimed here was not written down',
  });
}

const VOUCHES = /\b(?:match(?:es)?|documented|recorded|verified|complete)\b/i;

/** `Timestamps and job IDs match HPC records` over columns of dashes. */
function tellVouching(judge: Judge, document: AuditDocument, all: readonly Open[]): void {
  for (const { labels, open, of, what } of all) {
    if (what !== 'cells') continue;
    const things = labels.map((label) =>
      /date|time/i.test(label) ? 'date|timestamp' : words(label).split(' ').slice(-2).join(' '),
    );
    const plain = things.map((thing) => thing.replaceAll(/[^a-z0-9| ]/g, '.'));
    const named = new RegExp(`\\b(?:${plain.join('|')})s?\\b`, 'i');
    const passage = document.passages.find(
      (p) =>
        p.place.cell === undefined &&
        named.test(p.text) &&
        VOUCHES.test(p.text) &&
        !/^#/.test(p.text),
    );
    const word = passage && named.exec(passage.text);
    if (!passage || !word) continue;
    judge.found({
      severity: 'not-evidenced',
      place: placeOf(passage.place, { at: word.index, text: word[0] }),
      written: passage.text.trim(),
      arithmetic: `${open} of ${of} cells say nothing: ${labels.join(', ')}`,
      follows: 'what is vouched for was not written down',
    });
  }
}

function tellForm(judge: Judge, all: readonly Open[]): void {
  const sorted = all.toSorted((a, b) => a.first.place.line - b.first.place.line);
  const total = all.reduce((n, one) => n + one.open, 0);
  const each = sorted.map((one) => `line ${one.first.place.line}: ${one.open} of ${one.of}`);
  const more = each.length > 8 ? `; and ${each.length - 8} more` : '';
  judge.found({
    severity: 'not-evidenced',
    place: (sorted[0] as Open).first.place,
    written: writtenIn(sorted[0] as Open),
    arithmetic:
      `${total} cells and values in ${all.length} places say nothing: ` +
      `${each.slice(0, 8).join('; ')}${more}`,
    follows: 'most of this is a form that was not filled in: it reports no result',
  });
}

/** Fields that say what a result is the result of. Other nulls are settings that are off. */
const PROVENANCE =
  /(?:^|_)(?:git_?sha|(?:git_?)?commit(?:_hash|_sha)?|revision|checksum|[a-z]+_hash)$/i;

function tellNulls(judge: Judge, document: AuditDocument, fields: readonly Field[]): void {
  const provenance = fields.filter((f) => PROVENANCE.test(f.label));
  const open = provenance.filter(
    (f) =>
      f.text === '' && document.lines[f.place.line - 1]?.startsWith('null', f.place.column - 1),
  );
  judge.held(provenance.length - open.length);
  const [first] = open;
  if (!first) return;
  judge.found({
    severity: 'not-evidenced',
    place: { ...first.place, width: 4 },
    written: `${first.label}: null`,
    arithmetic: `null: ${open.map((f) => f.label).join(', ')}`,
    follows: 'nothing ties these results to a version of code, model or tokenizer',
  });
}
