import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Cancelled, FormatError } from '../record/errors.ts';
import type { CommandIo } from './io.ts';
import { reportError, runCommandLine } from './main.ts';

let cwd: string;
beforeEach(() => {
  cwd = mkdtempSync(join(tmpdir(), 'assay-cli-'));
});
afterEach(() => rmSync(cwd, { recursive: true, force: true }));

interface Answer {
  code: number;
  stdout: string;
  stderr: string;
}

function console(env: Record<string, string> = {}): { io: CommandIo; answer: Answer } {
  const answer: Answer = { code: -1, stdout: '', stderr: '' };
  const io: CommandIo = {
    stdout: { write: (text) => (answer.stdout += text) },
    stderr: { write: (text) => (answer.stderr += text) },
    env,
    cwd,
    argv: ['assay'],
    signal: new AbortController().signal,
  };
  return { io, answer };
}

async function assay(...args: string[]): Promise<Answer> {
  const { io, answer } = console();
  answer.code = await runCommandLine(args, io);
  return answer;
}

const COMMANDS = [
  [['demo'], 'assay demo'],
  [['init'], 'assay init'],
  [['run'], 'assay run'],
  [['eval'], 'assay eval'],
  [['generate'], 'assay generate'],
  [['runs'], 'assay runs'],
  [['runs', 'ls'], 'assay runs ls'],
  [['runs', 'show'], 'assay runs show'],
  [['runs', 'drift'], 'assay runs drift'],
  [['compare'], 'assay compare'],
  [['report'], 'assay report'],
  [['verify'], 'assay verify'],
  [['explain'], 'assay explain'],
  [['doctor'], 'assay doctor'],
  [['audit'], 'assay audit'],
  [['import'], 'assay import'],
  [['claims', 'init'], 'assay claims init'],
  [['claims', 'check'], 'assay claims check'],
] as const;

describe('help', () => {
  test.each(COMMANDS)('of %j goes to stdout and is no error', async (command, usage) => {
    const { code, stdout, stderr } = await assay(...command, '--help');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toContain(`Usage: ${usage}`);
  });

  test('the command alone shows where to start', async () => {
    for (const args of [[], ['--help'], ['help']]) {
      const { code, stdout, stderr } = await assay(...args);
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
      expect(stdout).toContain('Start here: assay demo');
    }
  });

  test('the version is one line', async () => {
    const { code, stdout } = await assay('--version');
    expect(code).toBe(0);
    expect(stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
  });
});

describe('a wrong command line', () => {
  test.each([
    [['evaluate'], 'unknown command', '`assay --help`'],
    [['--nonsense'], 'unknown option', '`assay --help`'],
    [['demo', '--nonsense'], 'unknown option', '`assay demo --help`'],
    [['eval'], 'required option', '`assay eval --help`'],
    [['runs', 'lss'], 'Did you mean ls?', '`assay runs --help`'],
    [['runs', 'show'], 'missing required argument', '`assay runs show --help`'],
    [['verify', '--head'], 'argument missing', '`assay verify --help`'],
    [['eval', '--model', 'm', '--corpus', 'c', '--stride', 'x'], 'whole number', '`assay eval'],
    [['eval', '--model', 'm', '--corpus', 'c', '--budget', 'x'], 'Allowed choices', '`assay eval'],
  ])('%j: exit 2, what is wrong, where to look, no stack', async (args, says, hint) => {
    const { code, stdout, stderr } = await assay(...args);
    expect(code).toBe(2);
    expect(stdout).toBe('');
    expect(stderr).toMatch(/^error: [^\n]+\nhint: [^\n]+\n$/);
    expect(stderr).toContain(says);
    expect(stderr).toContain(hint);
  });

  test('a group without its verb shows its help as an error', async () => {
    const { code, stderr } = await assay('runs');
    expect(code).toBe(2);
    expect(stderr).toContain('Usage: assay runs');
  });

  test('with --json the error is data too, in one shape', async () => {
    const { code, stdout, stderr } = await assay('demo', '--nonsense', '--json');
    expect(code).toBe(2);
    expect(JSON.parse(stdout)).toEqual({
      error: {
        code: 'UsageError',
        message: expect.stringContaining('unknown option'),
        hint: 'see `assay demo --help`',
      },
    });
    expect(stderr).toMatch(/^error: .+\nhint: .+\n$/);
  });

  test.each([
    ['verify'],
    ['report'],
    ['explain', '8.85'],
    ['runs', 'show', 'x'],
    ['run', 'x.yaml'],
  ])('%s in an empty folder: exit 2, a hint, nothing written', async (...args) => {
    const { code, stdout, stderr } = await assay(...args, '--json');
    expect(code).toBe(2);
    expect(JSON.parse(stdout).error).toMatchObject({ code: 'UsageError' });
    expect(stderr).toMatch(/^error: [^\n]+\nhint: [^\n]+\n$/);
    expect(readdirSync(cwd)).toEqual([]);
  });
});

describe('errors', () => {
  const reported = (error: unknown, json = false) => {
    const { io, answer } = console({ HF_TOKEN: 'hf_abcdefghijklmnop' });
    answer.code = reportError(error, io, json);
    return answer;
  };

  test('each line of a message is one error, the hint comes last', () => {
    const error = new FormatError('a is wrong\nb is wrong', { hint: 'mend both' });
    expect(reported(error)).toEqual({
      code: 3,
      stdout: '',
      stderr: 'error: a is wrong\nerror: b is wrong\nhint: mend both\n',
    });
  });

  test('interrupted is 130', () => {
    expect(reported(new Cancelled()).code).toBe(130);
  });

  test('secrets of the environment are never shown', () => {
    const error = new FormatError('sent hf_abcdefghijklmnop', { hint: 'hf_abcdefghijklmnop?' });
    for (const answer of [
      reported(error, true),
      reported(new Error('hf_abcdefghijklmnop'), true),
    ]) {
      expect(answer.stdout + answer.stderr).not.toContain('hf_abcdefghijklmnop');
    }
  });

  test('what we did not foresee is our bug: exit 1, with what to report', () => {
    const answer = reported(new TypeError('x is not a function'), true);
    expect(answer.code).toBe(1);
    expect(answer.stderr).toMatch(/^error: this is a bug in assay/);
    expect(answer.stderr).toContain('main.test.ts');
    expect(JSON.parse(answer.stdout)).toEqual({
      error: { code: 'InternalError', message: 'x is not a function', hint: null },
    });
    expect(reported('a text').stderr).toContain('a text');
  });
});

describe('commands that need no model', () => {
  test('init writes an experiment that is one, and never overwrites', async () => {
    const { code, stdout } = await assay('init');
    expect(code).toBe(0);
    expect(stdout).toContain('Next: assay run experiment.yaml --dry-run');
    const written = readFileSync(join(cwd, 'experiment.yaml'), 'utf8');
    expect(written).toContain('baseline:');
    const again = await assay('init');
    expect(again.code).toBe(2);
    expect(again.stderr).toContain('experiment.yaml is there already');
    expect(readFileSync(join(cwd, 'experiment.yaml'), 'utf8')).toBe(written);
    const other = await assay('init', 'b.yaml', '--json');
    expect(JSON.parse(other.stdout)).toEqual({ path: join(cwd, 'b.yaml') });
  });

  test('runs ls of an empty lab says what to do', async () => {
    const { code, stdout } = await assay('runs', 'ls');
    expect(code).toBe(0);
    expect(stdout).toContain('Next: assay demo');
    expect(JSON.parse((await assay('runs', 'ls', '--json')).stdout)).toEqual({
      lab: cwd,
      runs: [],
    });
    expect(existsSync(join(cwd, 'runs'))).toBe(false);
  });
});
