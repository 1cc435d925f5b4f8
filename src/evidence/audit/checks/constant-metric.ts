/** A quality score that never varies over different models and precisions measures nothing. */
import type { Check } from '../check.ts';
import { Judge } from '../finding.ts';
import { byGroup, modelName, precisionOf } from '../record.ts';

const LEAST_ROWS = 4;

export const constantMetricCheck: Check = {
  name: 'constant-metric',
  says: 'a quality score over at least four rows and two models varies',
  run(document) {
    const judge = new Judge(this.name, document);
    for (const rows of byGroup(document.records.filter((r) => r.kind !== 'sentence'))) {
      const labels = new Set(rows.flatMap((r) => r.fields.filter(isQuality).map((f) => f.label)));
      for (const label of labels) {
        const cells = rows.flatMap((record) =>
          record.fields
            .filter((f) => f.label === label && f.text.trim() !== '')
            .map((field) => ({ field, record })),
        );
        const first = cells[0];
        if (!first || cells.length < LEAST_ROWS || !/\d/.test(first.field.text)) continue;
        const setups = new Set(
          cells.map(({ record }) => `${modelName(record)}|${precisionOf(record)}`),
        );
        const models = new Set(cells.map(({ record }) => modelName(record)));
        if (models.size < 2 || setups.size < LEAST_ROWS - 1) continue;
        if (cells.some(({ field }) => field.text.trim() !== first.field.text.trim())) {
          judge.held();
          continue;
        }
        judge.found({
          severity: 'suspicious',
          place: first.field.place,
          written: `${label}: ${first.field.text} in all ${cells.length} rows`,
          arithmetic: `${models.size} models, ${setups.size} configurations, one value`,
          follows: 'a score that is the same for everything tells nothing apart: check its code',
        });
      }
    }
    return judge.verdicts;
  },
};

const isQuality = (f: { role: string | null; label: string }): boolean =>
  f.role === 'score' || (f.role === 'accuracy' && /metric|score/i.test(f.label));
