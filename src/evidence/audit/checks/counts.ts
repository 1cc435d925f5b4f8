/** "7 models" against the distinct names that the document has. */
import type { Check } from '../check.ts';
import { Judge } from '../finding.ts';
import { asCount } from '../quantity.ts';
import { type AuditDocument, type Field, placeOf } from '../record.ts';
import { words } from '../role.ts';

/** `Total models evaluated`, `Number of models`, `Models tested`: the thing that is counted. */
const THINGS = 'models?|methods?|datasets?|tasks?|precisions?|experiments?';
const DONE = 'evaluated|tested|benchmarked|compared|measured|run';
const COUNTED = new RegExp(
  String.raw`^(?:total|number of|num)?\s*(?:of\s+)?(${THINGS})(?:\s+(?:${DONE}))?$`,
);

function namesOf(document: AuditDocument, thing: string): { names: Set<string>; places: number } {
  const singular = thing.replace(/s$/, '');
  const own = new RegExp(`^(?:base )?${singular}(?: name| id)?$`);
  const values = document.records
    .filter((record) => record.kind !== 'sentence')
    .flatMap((r) => r.fields.filter((f) => own.test(words(f.label)) && f.text.trim() !== ''))
    .map((f) => f.text.trim().replaceAll(/[*`]/g, '').toLowerCase());
  return { names: new Set(values), places: values.length };
}

export const countCheck: Check = {
  name: 'count-of-names',
  says: 'a total of models, methods, … is the number of distinct names in the document',
  run(document) {
    const judge = new Judge(this.name, document);
    for (const record of document.records) {
      for (const field of record.fields) {
        const thing = COUNTED.exec(words(field.label))?.[1];
        const told = field.quantities[0];
        if (!thing || !told || field.quantities.length !== 1) continue;
        if (!/^\d+$/.test(field.text.trim().split(/\s/)[0] ?? '')) continue;
        checkOne(judge, document, field, thing);
      }
    }
    return judge.verdicts;
  },
};

function checkOne(judge: Judge, document: AuditDocument, field: Field, thing: string): void {
  const told = field.quantities[0];
  const { names, places } = namesOf(document, thing);
  if (!told || places < 2) return;
  judge.rests(told);
  if (asCount(told).low === names.size) {
    judge.held();
    return;
  }
  const some = [...names].slice(0, 6).join(', ');
  const isPlaces = told.value === places;
  const isTotal = /^(?:total|number of|num)\b/.test(words(field.label));
  judge.found({
    severity: isPlaces || isTotal || told.value > places ? 'refuted' : 'suspicious',
    place: placeOf(field.place, told),
    written: `${field.label}: ${told.text}`,
    arithmetic: `${places} entries name ${names.size} distinct: ${some}`,
    follows: isPlaces
      ? `these are ${places} runs over ${names.size} ${thing}`
      : `the document shows another number of ${thing}`,
    replacement: String(names.size),
  });
}
