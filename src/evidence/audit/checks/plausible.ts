/** Values that no natural text and no model of today give. */
import type { Check } from '../check.ts';
import { type AuditFinding, Judge, type Told } from '../finding.ts';
import { type AuditDocument, type DataRecord, type Field, placeOf } from '../record.ts';

interface Odd {
  readonly field: Field;
  readonly told: Pick<Told, 'arithmetic' | 'follows'>;
  /** Findings of one kind are told once. */
  readonly kind: string;
}

const LEAST_PERPLEXITY = 1.5;
const MOST_PERPLEXITY = 1000;
const MOST_TOKEN_ACCURACY = 0.9;
const MOST_ACCURACY = 0.99;

function oddity(field: Field, record: DataRecord): Odd | 'fine' | null {
  const quantity = field.quantities.length === 1 ? field.quantities[0] : undefined;
  if (!quantity || quantity.spread) return null;
  if (field.role === 'perplexity' && quantity.unit?.dimension !== 'percent') {
    if (quantity.value < LEAST_PERPLEXITY) {
      const arithmetic = `a perplexity of ${quantity.text} is ${nats(quantity.value)} nats a token`;
      const follows =
        'natural text is not that predictable: the text was seen in training, or repeats itself';
      return { field, kind: 'low-perplexity', told: { arithmetic, follows } };
    }
    if (quantity.value > MOST_PERPLEXITY) {
      const arithmetic = 'guessing evenly over 50,257 tokens has a perplexity of 50,257';
      const follows =
        'the model does hardly better than guessing on this text: wrong text or format';
      return { field, kind: 'high-perplexity', told: { arithmetic, follows } };
    }
    return 'fine';
  }
  if (field.role !== 'tokenAccuracy' && field.role !== 'accuracy') return null;
  const share = quantity.unit?.dimension === 'percent' ? quantity.value / 100 : quantity.value;
  if (share > 1 || (quantity.value === 1 && quantity.unit === null)) return null;
  const ofText =
    field.role === 'tokenAccuracy' || record.fields.some((f) => f.role === 'perplexity');
  if (ofText && share >= MOST_TOKEN_ACCURACY) {
    const arithmetic = `${quantity.text} of the next tokens guessed right`;
    const follows = 'natural text leaves a model wrong about every second token';
    return { field, kind: 'token-accuracy', told: { arithmetic, follows } };
  }
  if (share >= MOST_ACCURACY) {
    const arithmetic = 'at most one error in a hundred';
    return { field, kind: 'accuracy', told: { arithmetic, follows: 'check for leaked test data' } };
  }
  return 'fine';
}

export const plausibleCheck: Check = {
  name: 'implausible',
  says: 'perplexity 1.5 to 1000 on natural text, token accuracy under 90 %, accuracy under 99 %',
  run(document) {
    const judge = new Judge(this.name, document);
    const odd: Odd[] = [];
    for (const { field, record } of figures(document)) {
      const found = oddity(field, record);
      if (found === 'fine') judge.held();
      else if (found) odd.push(found);
    }
    for (const kind of new Set(odd.map((o) => o.kind)))
      tell(
        judge,
        odd.filter((o) => o.kind === kind),
      );
    return judge.verdicts;
  },
};

function figures(document: AuditDocument): { field: Field; record: DataRecord }[] {
  return document.records.flatMap((record) => record.fields.map((field) => ({ field, record })));
}

function tell(judge: Judge, all: readonly Odd[]): void {
  const [first, ...rest] = all;
  const quantity = first?.field.quantities[0];
  if (!first || !quantity) return;
  const lines = rest.map(({ field }) => `${field.quantities[0]?.text} (line ${field.place.line})`);
  const also = lines.length > 0 ? `; also ${lines.slice(0, 8).join(', ')}` : '';
  const severity: AuditFinding['severity'] = 'suspicious';
  judge.found({
    severity,
    place: placeOf(first.field.place, quantity),
    written: `${first.field.label} ${quantity.text}`,
    arithmetic: `${first.told.arithmetic}${also}`,
    follows: first.told.follows,
  });
}

const nats = (perplexity: number): string => Math.log(perplexity).toFixed(3);
