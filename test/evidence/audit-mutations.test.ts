/** Seeded single-number edits of documents as other teams write them. */
import { describe, expect, it } from 'vitest';
import { type AuditedDocument, auditDocument } from '../../src/evidence/audit/audit.ts';
import { readDocument } from '../../src/evidence/audit/read-document.ts';
import { edited, foreignDocument, mulberry } from '../support/foreign-documents.ts';

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

  it('numbers that nothing decides are listed as not evidenced, and no others', () => {
    for (let seed = 0; seed < 100; seed++) {
      const document = foreignDocument(seed);
      const open = document.numbers.filter((n) => n.feasible === null && n.text.includes('.'));
      const listed = audited(document.name, document.text).notEvidenced.map((n) => n.text);
      expect(listed.toSorted(), document.text).toEqual(open.map((n) => n.text).toSorted());
    }
  });
});
