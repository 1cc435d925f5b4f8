import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { CHECKS } from '../../src/evidence/audit/audit.ts';

it('the page about the audit has every check, and no other', () => {
  const page = readFileSync(join(import.meta.dirname, '../../docs/audit.md'), 'utf8');
  const table = page.slice(page.indexOf('## The checks'), page.indexOf('## What it finds'));
  const named = [...table.matchAll(/^\| `([a-z-]+)` \|/gm)].map(([, name]) => name);
  expect(named.toSorted()).toEqual(CHECKS.map((check) => check.name).toSorted());
});
