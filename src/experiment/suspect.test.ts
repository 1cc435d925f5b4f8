import { expect, test } from 'vitest';
import type { Metric } from '../record/schema.ts';
import { suspectFindings } from './suspect.ts';

const metric = (value: number | null) => ({ value }) as Metric;
const codes = (of: { drift?: number | null; stolen?: number | null }) =>
  suspectFindings({
    ...(of.drift === undefined ? {} : { drift: metric(of.drift) }),
    ...(of.stolen === undefined ? {} : { stolenShare: metric(of.stolen) }),
  }).map(({ code, severity }) => `${severity} ${code}`);

test('drift of more than a tenth, either way', () => {
  expect(codes({ drift: 1.09 })).toEqual([]);
  expect(codes({ drift: 0.91 })).toEqual([]);
  expect(codes({ drift: 1.11 })).toEqual(['warning suspect-drift']);
  expect(codes({ drift: 0.89 })).toEqual(['warning suspect-drift']);
});

test('others that took more than a tenth', () => {
  expect(codes({ stolen: 0.1 })).toEqual([]);
  expect(codes({ stolen: 0.11 })).toEqual(['warning suspect-contention']);
  expect(codes({ stolen: 0.5, drift: 2 })).toHaveLength(2);
});

test('what is not known is not suspected; other measures have neither', () => {
  expect(codes({ drift: null, stolen: null })).toEqual([]);
  expect(codes({})).toEqual([]);
});

test('the arithmetic is in the finding', () => {
  const [found] = suspectFindings({ drift: metric(1.25) });
  expect(found!.evidence).toEqual({ drift: 1.25, limit: 0.1 });
  expect(found!.message).toContain('1.250');
});
