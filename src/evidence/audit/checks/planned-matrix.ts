/** A plan of methods × batch sizes, against the results that are audited with it. */
import type { Check, CheckContext } from '../check.ts';
import { Judge } from '../finding.ts';
import { type AuditDocument, type DataRecord, figure, textOf } from '../record.ts';
import { words } from '../role.ts';

interface Planned {
  readonly method: string;
  readonly sizes: readonly number[];
  readonly record: DataRecord;
}

/** `| none (FP16) | 1,4,8,16,32 | … |`: rows with a method and a list of batch sizes. */
function plannedIn(document: AuditDocument): Planned[] {
  return document.tables.flatMap((table) =>
    table.rows.flatMap((record): Planned[] => {
      const method = methodOf(record);
      const list = record.fields.find((f) => /^batch sizes$/.test(words(f.label)));
      const sizes = (list?.text ?? '').match(/\d+/g)?.map(Number) ?? [];
      return method !== null && sizes.length > 1 ? [{ method, sizes, record }] : [];
    }),
  );
}

const methodOf = (record: DataRecord): string | null =>
  (textOf(record, 'precision') ?? textOf(record, 'method'))
    ?.replace(/\s*\(.*$/, '')
    .trim()
    .toLowerCase() ?? null;

/** Method → batch sizes that have a result in one of the other documents. */
function measured(document: AuditDocument, { documents }: CheckContext): Map<string, Set<number>> {
  const found = new Map<string, Set<number>>();
  for (const other of documents) {
    if (other === document) continue;
    for (const record of other.records) {
      const method = methodOf(record);
      const size = figure(record, 'batchSize')?.quantity.value;
      const result = figure(record, 'throughput') ?? figure(record, 'latency');
      if (method === null || size === undefined || !result) continue;
      found.set(method, (found.get(method) ?? new Set()).add(size));
    }
  }
  return found;
}

export const plannedMatrixCheck: Check = {
  name: 'planned-matrix',
  says: 'every planned method and batch size has a result in the files audited with the plan',
  run(document, context) {
    const judge = new Judge(this.name, document);
    const planned = plannedIn(document);
    const results = measured(document, context);
    if (planned.length === 0 || results.size === 0) return judge.verdicts;
    const gaps = planned.flatMap(({ method, sizes, record }) => {
      const has = results.get(method) ?? new Set();
      const absent = sizes.filter((size) => !has.has(size));
      judge.held(sizes.length - absent.length);
      return absent.length > 0 ? [{ method, sizes, absent, record }] : [];
    });
    const [first] = gaps;
    if (!first) return judge.verdicts;
    const told = gaps.map(({ method, sizes, absent }) =>
      absent.length === sizes.length
        ? `${method}: none`
        : `${method}: no batch size ${absent.join(', ')}`,
    );
    const cells = planned.reduce((n, p) => n + p.sizes.length, 0);
    const missing = gaps.reduce((n, g) => n + g.absent.length, 0);
    judge.found({
      severity: 'not-evidenced',
      place: (first.record.fields[0] as DataRecord['fields'][number]).place,
      written: `${cells} planned cells`,
      arithmetic: `${missing} of ${cells} have no result: ${told.join('; ')}`,
      follows: 'the matrix is not complete: what is best in it is best of what was run',
    });
    return judge.verdicts;
  },
};
