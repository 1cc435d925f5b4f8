import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type CheckedClaim, checkClaims } from '../../src/evidence/claims/check.ts';
import { claimsFile, proposeClaims } from '../../src/evidence/claims/propose.ts';
import { parseClaims } from '../../src/evidence/claims/spec.ts';
import type { LogEvidence } from '../../src/evidence/log-evidence.ts';
import { indexLogs } from '../../src/logs/index-logs.ts';
import { sha256Hex } from '../../src/record/canonical.ts';
import { UsageError } from '../../src/record/errors.ts';
import { assayHere } from '../support/in-process.ts';
import { smallLogs } from '../support/small-logs.ts';

let small: ReturnType<typeof smallLogs>;
let logs: LogEvidence;
beforeAll(async () => {
  small = smallLogs();
  logs = { root: small.dir, index: await indexLogs(small.dir) };
});
afterAll(() => small.remove());

async function check(yaml: string): Promise<CheckedClaim> {
  const [first] = await checkClaims(parseClaims(`claims:\n${yaml}`, 'claims.yaml').claims, {
    logs,
    cwd: small.dir,
  });
  return first as CheckedClaim;
}

const of = (subject: string, predicate: string) =>
  check(`  - claim: it is so\n    subject: ${subject}\n    ${predicate}\n`);
const FP8 = '{file: logs/quantize_FP8.log}';
const INT4 = '{job: 4400002}';

describe('verdicts', () => {
  it.each([
    ['proven', FP8, "matches: 'Saving model'"],
    ['not-evidenced', FP8, "matches: 'Saved twice'"],
    ['proven', FP8, "absent: 'Traceback'"],
    ['refuted', '{file: "logs/*.err"}', "absent: 'Traceback'"],
    ['proven', FP8, "count: {pattern: '64 samples', is: 2}"],
    ['refuted', FP8, "count: {pattern: '64 samples', atLeast: 3}"],
    ['proven', FP8, 'duration: 500'],
    ['proven', FP8, 'duration: 8 min'],
    ['refuted', FP8, 'duration: ~8 hours'],
    ['refuted', INT4, 'duration: ~6 hours'],
    ['refuted', INT4, 'outcome: succeeded'],
    ['proven', INT4, 'outcome: failed'],
    ['proven', "{file: logs/quantize_FP8.log, capture: 'Loaded (\\d+) samples'}", 'value: 64'],
    ['refuted', "{file: logs/quantize_FP8.log, capture: 'Loaded (\\d+) samples'}", 'value: 65'],
    [
      'proven',
      "{file: logs/quantize_FP8.log, capture: 'Loaded (\\d+) samples'}",
      'range: [60, 70]',
    ],
    ['not-evidenced', '{file: logs/absent.log}', "matches: 'x'"],
    ['not-applicable', FP8, "when: 'EngineCore'\n    matches: 'KV cache'"],
    [
      'proven',
      "{file: logs/quantize_FP8.log, capture: 'Loaded (\\d+)'}",
      "equals: {job: 4400002, capture: 'Loaded (\\d+)'}",
    ],
  ])('%s: %s %s', async (verdict, subject, predicate) => {
    const decided = await of(subject, predicate);
    expect(decided.verdict, decided.reason).toBe(verdict);
  });

  it('a formula over numbers of logs and printed ones', async () => {
    const numbers =
      "    numbers: {n: {file: logs/quantize_FP8.log, capture: 'on (\\d+) samples'}, " +
      "most: {file: logs/quantize_FP8.log, capture: 'Truncated to (\\d+)'}, told: {printed: 3.1M tokens}}\n";
    const formula = (text: string) => check(`  - claim: tokens\n    formula: ${text}\n${numbers}`);
    expect((await formula('told <= n * most')).verdict).toBe('refuted');
    expect((await formula('n * most == 32768')).verdict).toBe('proven');
    expect((await formula('n * gone == 1')).reason).toContain('no number is named gone');
    expect((await formula('n * (most')).reason).toContain('is needed');
  });

  it('a pattern that no log here ever has is vacuous, absent or not', async () => {
    for (const predicate of ["matches: 'Quantizing layer'", "absent: 'Quantizing layer'"]) {
      expect(await of(FP8, predicate)).toMatchObject({ verdict: 'not-evidenced', vacuous: true });
    }
    expect((await of('{job: 4400002}', "matches: 'Saving model'")).vacuous).toBeUndefined();
  });

  it('evidence can be hashed again', async () => {
    const [evidence] = (await of(FP8, "matches: 'Saving model'")).evidence;
    const bytes = readFileSync(join(small.dir, evidence!.path)).subarray(
      evidence!.start,
      evidence!.end,
    );
    expect(bytes.toString()).toBe('Saving model to: out/');
    expect(sha256Hex(bytes)).toBe(evidence!.sha256);
  });
});

describe('bad input', () => {
  it('every problem at once, with its line', () => {
    const yaml =
      'claims:\n  - claim: a\n    matches: x\n  - claim: b\n    subject: {file: y}\n    value: 1\n    outcome: great\n';
    let error: unknown;
    try {
      parseClaims(yaml, 'claims.yaml');
    } catch (caught) {
      error = caught;
    }
    expect(error).toBeInstanceOf(UsageError);
    expect((error as UsageError).problems.join('\n')).toMatch(
      /claims\.yaml:2: .*subject.*missing[\s\S]*claims\.yaml:7: .*outcome/,
    );
  });

  it('a pattern that would hang a backtracking engine ends at once; look-around is told', async () => {
    expect((await of(FP8, "matches: '(a+)+$|(x|x|x)*y'")).verdict).toBe('not-evidenced');
    await expect(of(FP8, "matches: '(?=a)b'")).rejects.toThrow(/claims\.yaml:4: .*no RE2 syntax/);
  });
});

it('what init proposes is a claims file, and nothing that the logs show is refuted', async () => {
  const text = claimsFile(proposeClaims(logs.index), 'logs here');
  const { claims, logs: said } = parseClaims(text, 'claims.yaml');
  expect(said).toBe('logs here');
  const checked = await checkClaims(claims, { logs, cwd: small.dir });
  expect(checked.length).toBeGreaterThan(6);
  const refuted = checked.filter((c) => c.verdict === 'refuted').map((c) => c.claim);
  expect(refuted).toEqual([
    'logs/quantize_INT4_4400002.err: no error was logged',
    'logs/quantize_INT4_4400002.log: it succeeded',
  ]);
});

describe('the command', () => {
  it('checks what init wrote without being told again where the logs are', async () => {
    const home = mkdtempSync(join(tmpdir(), 'assay-claims-'));
    const init = await assayHere(['claims', 'init', small.dir, '--out', 'mine.yaml'], home);
    expect(init.stdout).toContain('Next: assay claims check mine.yaml\n');
    const checked = await assayHere(['claims', 'check', 'mine.yaml', '--json'], home);
    const { claims } = JSON.parse(checked.stdout) as { claims: { verdict: string }[] };
    expect(checked.code).toBe(6);
    expect(claims.some(({ verdict }) => verdict === 'proven')).toBe(true);
    const elsewhere = await assayHere(['claims', 'check', 'mine.yaml', '--logs', '.'], home);
    rmSync(home, { recursive: true });
    expect(elsewhere.stderr).toContain('there is no log in');
  });
});
