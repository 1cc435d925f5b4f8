/** Seeded single-number edits of documents as other teams write them. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type AuditedDocument, auditDocument } from '../../src/evidence/audit/audit.ts';
import { readDocument } from '../../src/evidence/audit/read-document.ts';
import type { LogEvidence } from '../../src/evidence/log-evidence.ts';
import { indexLogs } from '../../src/logs/index-logs.ts';
import { edited, foreignDocument, mulberry } from '../support/foreign-documents.ts';
import { smallLogs } from '../support/small-logs.ts';

function audited(name: string, text: string): AuditedDocument {
  const document = readDocument(text, { path: name, absolutePath: `/nowhere/${name}` });
  return auditDocument(document, { documents: [document], logs: null });
}

function refutations(name: string, text: string): readonly { arithmetic: string }[] {
  return audited(name, text).findings.filter((f) => f.severity === 'refuted');
}

describe('foreign documents', () => {
  it('unedited: at most 0.5 % of 1,000 are accused', { timeout: 300_000 }, () => {
    const accused: string[] = [];
    for (let seed = 0; seed < 1000; seed++) {
      const { name, text } = foreignDocument(seed);
      const found = refutations(name, text);
      if (found.length > 0) accused.push(`${seed} ${name}: ${found[0]?.arithmetic}`);
    }
    console.log(`false alarms: ${accused.length} of 1000`);
    expect(accused.length, accused.slice(0, 5).join('\n')).toBeLessThanOrEqual(5);
  });

  it('1,000 decidable edits of one number: at least 99 % are refuted', { timeout: 300_000 }, () => {
    const missed: string[] = [];
    let decidable = 0;
    let undecided = 0;
    for (let seed = 0; decidable < 1000; seed++) {
      const document = foreignDocument(seed);
      const edit = edited(document, mulberry(seed + 77));
      if (!edit.decidable) {
        undecided++;
        continue;
      }
      decidable++;
      if (refutations(document.name, edit.text).length === 0) {
        missed.push(`${seed} ${document.name}: ${edit.from} → ${edit.to}`);
      }
    }
    console.log(
      `missed: ${missed.length} of ${decidable}; ${undecided} undecidable edits passed over`,
    );
    expect(missed.length, missed.slice(0, 8).join('\n')).toBeLessThanOrEqual(10);
  });

  it('with decimal commas: the same is refuted, and the same is not evidenced', () => {
    let compared = 0;
    const differ: string[] = [];
    for (let seed = 0; seed < 300; seed++) {
      const document = foreignDocument(seed);
      if (!document.name.endsWith('.md')) continue;
      const { text } = seed % 2 === 0 ? document : edited(document, mulberry(seed + 77));
      const point = audited(document.name, text);
      const comma = audited(document.name, text.replaceAll(/(?<![\w.-])(\d+)\.(\d+)/g, '$1,$2'));
      if (!comma.decimalCommas) continue;
      compared++;
      const told = ({ findings, notEvidenced, held }: AuditedDocument): string =>
        JSON.stringify([
          findings.map((f) => [f.check, f.severity, f.place.line, f.place.column]),
          notEvidenced,
          held,
        ]);
      if (told(point) !== told(comma)) differ.push(`${seed} ${told(point)} ${told(comma)}`);
    }
    console.log(`read with commas: ${compared} documents`);
    expect(compared).toBeGreaterThan(100);
    expect(differ.slice(0, 3)).toEqual([]);
  });

  it('numbers that nothing decides are listed as not evidenced, and no others', () => {
    for (let seed = 0; seed < 100; seed++) {
      const document = foreignDocument(seed);
      const open = document.numbers.filter((n) => n.feasible === null && n.text.includes('.'));
      const listed = audited(document.name, document.text).notEvidenced.map((n) => n.text);
      expect(listed.toSorted(), document.text).toEqual(open.map((n) => n.text).toSorted());
    }
  });
});

describe('an index of intact logs', () => {
  let small: ReturnType<typeof smallLogs>;
  let logs: LogEvidence;
  beforeAll(async () => {
    small = smallLogs();
    logs = { root: small.dir, index: await indexLogs(small.dir) };
  });
  afterAll(() => small.remove());

  const index = (fp8: string, int4: string, day: string): string =>
    [
      '| Experiment | Job ID | Date | Duration |',
      '|--|--|--|--|',
      `| FP8 Quantization | 4400001 | ${day} | ${fp8} |`,
      `| INT4 Quantization | 4400002 | ${day} | ${int4} |`,
    ].join('\n');
  const refuted = (text: string): number => {
    const document = readDocument(text, { path: 'index.md', absolutePath: '/nowhere/index.md' });
    const { findings } = auditDocument(document, { documents: [document], logs });
    return findings.filter((f) => f.severity === 'refuted').length;
  };

  it.each([
    ['500 s', '40 s'],
    ['8.3 min', '0.7 min'],
    ['00:08:20', '00:00:40'],
    ['8 min 20 s', '~40 s'],
  ])('%s and %s are what the logs say', (fp8, int4) => {
    expect(refuted(index(fp8, int4, '2026-03-01'))).toBe(0);
  });

  it('every duration that leaves what the log shows, and every other day, is refuted', () => {
    const missed: string[] = [];
    for (let seed = 0; seed < 500; seed++) {
      const random = mulberry(seed);
      // The log shows 500 s; a job's start and end may add a minute to it.
      const seconds = Math.floor(random() * 2000);
      const shouldFail = seconds < 499 || seconds > 560;
      const found = refuted(index(`${seconds} s`, '40 s', '2026-03-01')) > 0;
      if (found !== shouldFail) missed.push(`${seconds} s`);
      const day = `2026-03-${String(2 + Math.floor(random() * 28)).padStart(2, '0')}`;
      if (refuted(index('500 s', '40 s', day)) !== 2) missed.push(day);
    }
    expect(missed).toEqual([]);
  });

  it('a job that no log is of is not evidenced', () => {
    const text = index('500 s', '40 s', '2026-03-01').replace('4400001', '4400009');
    const document = readDocument(text, { path: 'index.md', absolutePath: '/nowhere/index.md' });
    const { findings } = auditDocument(document, { documents: [document], logs });
    expect(findings.map((f) => [f.severity, f.written])).toContainEqual([
      'not-evidenced',
      'FP8 Quantization: 4400009',
    ]);
  });
});
