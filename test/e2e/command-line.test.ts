import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type BenchLab, benchLab } from '../support/bench-lab.ts';
import { projectRoot } from '../support/built-command.ts';

let bench: BenchLab;
beforeAll(() => {
  bench = benchLab();
});
afterAll(() => bench.remove());

const COMMANDS = [
  ...[
    ['demo'],
    ['init'],
    ['run'],
    ['eval'],
    ['bench'],
    ['generate'],
    ['report'],
    ['compare'],
    ['verify'],
    ['explain'],
  ],
  ...[['doctor'], ['runs', 'ls'], ['runs', 'show'], ['runs', 'drift']],
  ...[['audit'], ['import'], ['claims', 'init'], ['claims', 'check']],
  ...[['exec'], ['logs', 'index'], ['logs', 'show'], ['moe', 'analyze'], ['moe', 'validate']],
  ...[
    ['weights', 'inspect'],
    ['weights', 'autopsy'],
    ['weights', 'diff'],
    ['weights', 'dequantize'],
    ['weights', 'quantize'],
    ['weights', 'repack'],
  ],
];

describe('assay --version', () => {
  it.each(['--version', '-V'])('%s prints the version of the package', async (flag) => {
    const { version } = JSON.parse(readFileSync(join(projectRoot, 'package.json'), 'utf8'));
    expect(await bench.assay([flag])).toMatchObject({
      code: 0,
      stdout: `${version}\n`,
      stderr: '',
    });
  });
});

describe('assay --help', () => {
  it('lists every command', async () => {
    const { code, stdout, stderr } = await bench.assay(['--help']);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    for (const [name] of COMMANDS) expect(stdout).toMatch(new RegExp(`^ {2}${name}\\b`, 'm'));
  });

  it.each(COMMANDS)('of %s %s shows an example of itself', async (...command) => {
    const { code, stdout } = await bench.assay([...command, '--help']);
    expect(code).toBe(0);
    expect(stdout).toMatch(new RegExp(`Example:\\n {2}assay ${command.join(' ')}`));
  });

  it('knows no command that is not in this list', async () => {
    const { stdout } = await bench.assay(['--help']);
    const listed = stdout.slice(stdout.indexOf('Commands:')).match(/^ {2}([a-z]+)/gm) ?? [];
    const known = new Set([...COMMANDS.map(([name]) => name), 'help']);
    expect(listed.map((name) => name.trim()).filter((name) => !known.has(name))).toEqual([]);
  });
});

describe('a wrong command line', () => {
  it.each([
    [['evl'], /unknown command 'evl'/],
    [['eval'], /--model/],
    [['eval', '--model', 'model'], /--corpus/],
    [['eval', '--model', 'model', '--corpus', 'corpus.jsonl', '--budget', 'huge'], /smoke/],
    [['eval', '--model', 'model', '--corpus', 'corpus.jsonl', '--threads', '0'], /at least 1/],
    [['eval', '--model', 'model', '--corpus', 'corpus.jsonl', '--context', '1.5'], /at least 2/],
    [['eval', '--model', 'model', '--corpus', 'corpus.jsonl', '--seed', '-1'], /at least 0/],
    [['eval', '--model', 'model', '--corpus', 'corpus.jsonl', '--scheme', 'int3'], /--scheme/],
    [['eval', '--model', 'model', '--corpus', 'corpus.jsonl', '--timeout', '0'], /positive/],
    [['eval', '--seed', '1', '--seed', '2'], /--seed is given twice/],
    [['run'], /experiment/],
    [['run', 'gone.yaml'], /gone\.yaml: cannot be read \(ENOENT\)/],
    [['run', 'model'], /model: cannot be read \(EISDIR\)/],
    [['runs', 'show', 'nothing'], /no run "nothing"/],
    [['report'], /no runs in/],
    [['verify'], /no runs in/],
    [['verify', '--head', 'abc'], /64 hex digits/],
    [['explain', '8.85'], /no metric of this lab rounds to 8\.85/],
    [['explain', 'a word'], /neither a number nor RUN:METRIC/],
    [['generate', '--model', 'model', '--prompt', 'a', '--top-p', '2'], /--top-p/],
  ])('%j exits with 2, one message and a hint, and leaves nothing', async (args, message) => {
    const result = await bench.assay(args);
    expect(result.code).toBe(2);
    expect(result.stdout).toBe('');
    expect(result.stderr).toMatch(message);
    expect(result.stderr).toMatch(/^error: .+\n(error: .+\n)*hint: .+\n$/);
    expect(existsSync(bench.lab.runsDir)).toBe(false);
  });

  it.each([
    [['eval', '--json']],
    [['run', 'gone.yaml', '--json']],
    [['explain', '1', '--json']],
    [['runs', 'show', 'x', '--json']],
  ])('%j says the same as JSON', async (args) => {
    const result = await bench.assay(args);
    expect(result.code).toBe(2);
    expect(result.json()).toEqual({
      error: { code: 'UsageError', message: expect.any(String), hint: expect.any(String) },
    });
  });

  it('without any command shows the help', async () => {
    const result = await bench.assay([]);
    expect(result).toMatchObject({ code: 0, stderr: '' });
    expect(result.stdout).toContain('Usage: assay');
  });
});

describe('an empty lab', () => {
  it('lists no runs, and says what to do', async () => {
    const result = await bench.assay(['runs', 'ls']);
    expect(result).toMatchObject({ code: 0 });
    expect(result.stdout).toContain('assay demo');
    expect((await bench.assay(['runs', 'ls', '--json'])).json()).toMatchObject({ runs: [] });
  });
});

describe('assay init', () => {
  it('writes an experiment that passes its own check, once', async () => {
    const result = await bench.assay(['init']);
    expect(result).toMatchObject({ code: 0 });
    expect(result.stdout).toContain('Next: assay run experiment.yaml --dry-run');
    const dry = await bench.assay(['run', 'experiment.yaml', '--dry-run']);
    expect(dry, dry.stderr).toMatchObject({ code: 0 });
    const text = bench.read('experiment.yaml');
    const again = await bench.assay(['init']);
    expect(again).toMatchObject({ code: 2 });
    expect(again.stderr).toContain('is there already');
    expect(bench.read('experiment.yaml')).toBe(text);
  });

  it('writes where it is told, or says that it cannot', async () => {
    const named = await bench.assay(['init', 'mine.yaml', '--json']);
    expect(named.json()).toEqual({ path: join(bench.root, 'mine.yaml') });
    const nowhere = await bench.assay(['init', 'no/such/place.yaml']);
    expect(nowhere).toMatchObject({ code: 3, stdout: '' });
    expect(nowhere.stderr).toMatch(/^error: .*place\.yaml/);
  });
});

describe('a reader that closes the pipe', () => {
  it('is not an error', async () => {
    const { code, stderr } = await bench.assay(['--help'], {
      through: ['sh', '-c', '"$@" | head -1', 'sh'],
    });
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  });
});
