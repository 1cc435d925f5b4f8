import fc from 'fast-check';
import { expect, test } from 'vitest';
import { DocumentBuilder } from '../document.ts';
import { addJson, type CitedJson, Words } from './cited-json.ts';

function textOf(value: CitedJson): string {
  const doc = new DocumentBuilder();
  addJson(doc, value);
  return doc.build({ document: 'x.vl.json', experiment: 'x', family: [] }).text;
}

test('any JSON comes back as it went in', () => {
  const json = fc.jsonValue({ maxDepth: 4 }).map((value) => JSON.parse(JSON.stringify(value)));
  fc.assert(
    fc.property(json, (value: CitedJson) => {
      expect(JSON.parse(textOf(value))).toEqual(value);
    }),
  );
});

test('cited numbers stand as numerals, in lists, objects and words; a gap is null', () => {
  const cited = (value: number | null) => ({
    value,
    reference: { from: 'metric', run: 'a/b/c', metric: 'perplexity', part: 'value' } as const,
    format: { style: 'fixed', digits: 2 } as const,
  });
  const text = textOf({
    values: [cited(2.936), cited(null)],
    row: { y: cited(0.5), 'a "name"': 'b\n' },
    said: new Words('of "', cited(1.25), '"\\'),
    left: undefined,
  });
  expect(JSON.parse(text)).toEqual({
    values: [2.94, null],
    row: { y: 0.5, 'a "name"': 'b\n' },
    said: 'of "1.25"\\',
  });
});
