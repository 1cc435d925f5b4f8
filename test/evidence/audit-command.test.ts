/** `assay audit`, `claims` and `import` as a person gives them, in process. */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runCommandLine } from '../../src/cli/main.ts';
import { smallLogs } from '../support/small-logs.ts';

let dir: string;
let small: ReturnType<typeof smallLogs>;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'assay-audit-'));
  small = smallLogs();
  for (const [name, text] of Object.entries(DOCUMENTS)) writeFileSync(join(dir, name), text);
});
afterAll(() => {
  rmSync(dir, { recursive: true });
  small.remove();
});

const DOCUMENTS = {
  'log.md': [
    '# Log',
    '| Model | Precision | Speed (tok/s) | Speedup |',
    '|--|--|--|--|',
    '| A | FP16 | 28.42 | 1.0× |',
    '| A | INT8 | 5.58 | 0.52× |',
    '',
  ].join('\n'),
  'right.md': '- Loss: 0.1826\n- Perplexity: 1.2004\n',
  'index.md': [
    '# Logs',
    '| Experiment | Job ID | Date | Duration |',
    '|--|--|--|--|',
    '| FP8 Quantization | - | 2026-03-01 | ~8 hours |',
    '| INT4 Quantization | 4400002 | 2026-03-02 | 40 s |',
    '',
    'Job 4400001 took 500 s.',
    '',
    '```sh',
    'grep -c "Quantizing layer" logs/quantize_FP8.log',
    'grep "Saving" logs/quantize_FP8.log; touch made-by-the-recipe',
    '```',
    '',
  ].join('\n'),
  'line\nbreak.md': '- Loss: 1\n',
};

async function assay(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  const answer = { code: -1, stdout: '', stderr: '' };
  answer.code = await runCommandLine(args, {
    stdout: { write: (text) => (answer.stdout += text) },
    stderr: { write: (text) => (answer.stderr += text) },
    env: {},
    cwd: dir,
    argv: ['assay', ...args],
    signal: new AbortController().signal,
  });
  return answer;
}

describe('audit', () => {
  it('shows the number under a caret, the arithmetic, and what follows; exit 6', async () => {
    const { code, stdout } = await assay('audit', 'log.md');
    expect(code).toBe(6);
    expect(stdout).toContain('log.md:5:21\nrefuted: Speedup 0.52\n');
    expect(stdout).toMatch(/ {4}\| A \| INT8 \| 5\.58 \| 0\.52× \|\n {24}\^{4}\n/);
    expect(stdout).toContain('5.58 (line 5, INT8, A) / 28.42 (line 4, FP16, A) = 0.1963');
    expect(stdout).toContain('log.md: 4 numbers read, 1 statement holds, 1 refuted');
  });

  it('--fix prints the table as it would have to be', async () => {
    const { stdout } = await assay('audit', 'log.md', '--fix');
    expect(stdout).toContain('| A | FP16 | 28.42 | 1.0× |\n| A | INT8 | 5.58 | 0.196× |');
  });

  it('what is right is exit 0, and counted', async () => {
    const { code, stdout } = await assay('audit', 'right.md', '--json');
    expect(code).toBe(0);
    const { ok, files } = JSON.parse(stdout);
    expect(ok).toBe(true);
    expect(files[0].checks).toContainEqual({ check: 'perplexity-loss', held: 1, found: 0 });
  });

  it('against logs: durations, dates, recipes; nothing is ever executed', async () => {
    const { code, stdout } = await assay('audit', 'index.md', '--logs', small.dir, '--json');
    expect(code).toBe(6);
    const { findings } = JSON.parse(stdout).files[0];
    const told = findings.map(
      (f: { check: string; severity: string; place: { line: number } }) =>
        `${f.severity} ${f.check} ${f.place.line}`,
    );
    expect(told).toEqual([
      'refuted job-record 4',
      'refuted job-record 5',
      'suspicious job-record 5',
      'not-evidenced placeholder 4',
      'not-evidenced recipe 10',
    ]);
    expect(existsSync(join(dir, 'made-by-the-recipe'))).toBe(false);
    expect(existsSync(join(small.dir, 'made-by-the-recipe'))).toBe(false);
  });

  it('a file that cannot be read is one line, and the rest goes on', async () => {
    const { code, stdout, stderr } = await assay(
      'audit',
      'absent.md',
      'right.md',
      'line\nbreak.md',
    );
    expect(code).toBe(3);
    expect(stderr).toBe(
      'error: absent.md: there is no such file\nhint: give the path of a Markdown, CSV or JSON file\n',
    );
    expect(stdout).toContain('right.md: 2 numbers read');
  });
});

describe('claims', () => {
  it('init, then check: exit 6 for what is refuted', async () => {
    const init = await assay('claims', 'init', small.dir);
    expect(init, init.stderr).toMatchObject({ code: 0 });
    expect(readFileSync(join(dir, 'claims.yaml'), 'utf8')).toContain('claims:');
    expect((await assay('claims', 'init', small.dir)).code).toBe(2);
    const check = await assay('claims', 'check', '--logs', small.dir);
    expect(check.code).toBe(6);
    expect(check.stdout).toMatch(/refuted +logs\/quantize_INT4_4400002\.log: it succeeded/);
    expect(check.stdout).toContain("ImportError: cannot import name 'AWQModifier'");
  });

  it('verdicts go into LOGS.md, whose numbers still stand', async () => {
    await assay('claims', 'check', '--logs', small.dir, '--out', 'reports/logs');
    const page = readFileSync(join(dir, 'reports/logs/LOGS.md'), 'utf8');
    expect(page).toMatch(/## Claims[\s\S]*it succeeded \| refuted \|/);
    expect((await assay('audit', 'reports/logs/LOGS.md')).stdout).toContain('nothing found');
  });

  it('mistakes are told with their lines; exit 2', async () => {
    writeFileSync(
      join(dir, 'wrong.yaml'),
      'claims:\n  - claim: a\n    subject: {file: x}\n    matches: "("\n',
    );
    const { code, stderr } = await assay('claims', 'check', 'wrong.yaml');
    expect(code).toBe(2);
    expect(stderr).toMatch(/^error: wrong\.yaml:4: claims\.0\.matches: .*no RE2 syntax/);
  });
});

describe('import', () => {
  const row = (batch: number, rate: number) => ({
    batch_size: batch,
    total_samples: 100,
    throughput: rate,
    quantization: 'awq',
    model_id: 'acme/A',
  });

  it('runs that verify, marked as imported, with what is double and what is missing', async () => {
    mkdirSync(join(dir, 'lab/runs'), { recursive: true });
    const at = (name: string) => join(dir, 'lab', name);
    writeFileSync(at('a.json'), JSON.stringify([row(1, 10), row(8, 60)]));
    writeFileSync(at('copy.json'), JSON.stringify([row(1, 10)]));
    writeFileSync(at('b.json'), JSON.stringify([{ ...row(1, 12), quantization: 'gptq' }]));
    writeFileSync(
      at('llama.json'),
      JSON.stringify([
        { model_type: 'llama 7B Q4_0', n_prompt: 512, avg_ts: 101, samples_ts: [100, 102] },
      ]),
    );
    const old = dir;
    dir = join(dir, 'lab');
    const { code, stdout } = await assay('import', 'a.json', 'copy.json', 'b.json', 'llama.json');
    expect(code).toBe(0);
    expect(stdout).toContain('duplicate, not imported: copy.json');
    expect(stdout).toContain('missing: acme/A, gptq: batch size 8');
    expect(stdout).toContain('7 numbers, 6 of them not evidenced');
    const again = await assay('import', 'a.json', '--json');
    expect(JSON.parse(again.stdout).runs.map((r: { runId: unknown }) => r.runId)).toEqual([
      null,
      null,
    ]);
    const verify = await assay('verify');
    expect(verify, verify.stdout).toMatchObject({ code: 0 });
    const show = await assay('runs', 'ls');
    expect(show.stdout).toContain('imported/A~gptq~batch-matrix');
    dir = old;
  });

  it('what is compared with imported numbers is not evidenced, on the terminal and in the log', async () => {
    const old = dir;
    dir = join(dir, 'compared');
    mkdirSync(join(dir, 'runs'), { recursive: true });
    const rows = [{ ...row(8, 40), quantization: 'none' }, row(8, 60)];
    writeFileSync(join(dir, 'a.json'), JSON.stringify(rows));
    await assay('import', 'a.json');
    const compare = await assay('compare');
    expect(compare).toMatchObject({ code: 0 });
    expect(compare.stdout).toMatch(/awq .* 60 +40 +1\.500 +not-evidenced/);
    expect(JSON.parse((await assay('compare', '--json')).stdout).imported.comparisons).toEqual([
      expect.objectContaining({ metric: 'samplesPerSecond', ratio: 1.5, verdict: 'not-evidenced' }),
    ]);
    expect((await assay('compare', '--choose', 'p95_ms=5')).code).toBe(2);
    await assay('report');
    const log = join(dir, 'reports/imported/EXPERIMENT_LOG.md');
    const text = readFileSync(log, 'utf8');
    expect(text).toMatch(/\| 60 \| 40 \| 1\.500 \| not-evidenced \|/);
    expect((await assay('verify')).code).toBe(0);
    writeFileSync(log, text.replace('1.500', '2.500'));
    const changed = await assay('verify');
    expect(changed.code).toBe(6);
    expect(changed.stdout + changed.stderr).toContain('2.500');
    dir = old;
  });
});
