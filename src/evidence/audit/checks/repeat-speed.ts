/** One measurement twice, in two files: the same quality to the last digit, another speed. */
import type { Check, CheckContext } from '../check.ts';
import { Judge } from '../finding.ts';
import { type AuditDocument, type DataRecord, figure, modelName, placeOf } from '../record.ts';
import { words } from '../role.ts';

/** Below this the speeds of two runs agree, as far as anyone promises. */
const NOISE = 0.02;
const MAX_RECORDS = 2000;

interface Measured {
  readonly document: AuditDocument;
  readonly record: DataRecord;
  readonly speed: NonNullable<ReturnType<typeof figure>>;
  /** Model, settings and quality in full: what makes two records one measurement. */
  readonly key: string;
}

/** A quality of at least six digits is a fingerprint: two runs do not share it by chance. */
function fingerprint(record: DataRecord): string | null {
  const found = figure(record, 'perplexity') ?? figure(record, 'loss');
  const digits = found?.quantity.text.replace(/\D/g, '').replace(/^0+/, '') ?? '';
  return digits.length >= 6 ? digits : null;
}

function measuredIn(document: AuditDocument): Measured[] {
  if (document.records.length > MAX_RECORDS) return [];
  return document.records.flatMap((record): Measured[] => {
    const speed = figure(record, 'throughput');
    const quality = fingerprint(record);
    const model = modelName(record);
    if (!speed || quality === null || model === null) return [];
    return [{ document, record, speed, key: `${model}|${words(speed.field.label)}|${quality}` }];
  });
}

export const repeatSpeedCheck: Check = {
  name: 'repeat-speed',
  says: 'two files that share a quality to the last digit share the speed within 2 %',
  run(document, { documents }: CheckContext) {
    const judge = new Judge(this.name, document);
    const before = documents.slice(0, documents.indexOf(document)).flatMap(measuredIn);
    if (before.length === 0) return judge.verdicts;
    for (const own of measuredIn(document)) {
      const twin = before.find((m) => m.key === own.key);
      const [a, b] = [twin?.speed.quantity, own.speed.quantity];
      if (!twin || !a || a.value <= 0 || b.value <= 0) continue;
      judge.rests(a, b);
      const apart = Math.max(a.value, b.value) / Math.min(a.value, b.value) - 1;
      if (apart <= NOISE) {
        judge.held();
        continue;
      }
      judge.found({
        severity: 'suspicious',
        place: placeOf(own.speed.field.place, b),
        written: `${own.speed.field.label} ${b.text} of ${modelName(own.record)}`,
        arithmetic:
          `${twin.document.path}:${twin.speed.field.place.line} has ${a.text} ` +
          `for the same result, ${(apart * 100).toFixed(1)} % apart`,
        follows: 'speed differences of this size are those between two runs of one thing',
      });
    }
    return judge.verdicts;
  },
};
