/** Whole files, runs and seals that appear, disappear or are rewritten. */
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { manifestDigest } from '../../src/record/manifest.ts';
import { type BenchLab, benchLab } from '../support/bench-lab.ts';
import { type RunOutput, writeExperiment } from '../support/experiment-file.ts';

let whole: BenchLab;
let bench: BenchLab;
let runIds: string[];
let heads: string[];

beforeAll(async () => {
  whole = benchLab();
  const file = writeExperiment(whole);
  heads = [];
  for (const only of ['f32', 'int4']) {
    expect((await whole.assay(['run', file, '--only', only])).code).toBe(0);
    const found = (await whole.assay(['verify', '--json'])).json<{ heads: { sha256: string }[] }>();
    heads.push(found.heads[0]!.sha256);
  }
  runIds = (await whole.assay(['run', file, '--json'])).json<RunOutput>().runs.map((r) => r.runId);
  return () => whole.remove();
});

beforeEach(() => {
  bench = benchLab();
  for (const name of ['runs', 'seals', 'reports', 'small.yaml']) {
    cpSync(join(whole.root, name), join(bench.root, name), { recursive: true });
  }
});
afterEach(() => bench.remove());

const dirOf = (runId: string): string => join(bench.lab.runsDir, runId);

async function verify(code: number, ...more: string[]): Promise<string> {
  const result = await bench.assay(['verify', ...more]);
  expect(result.code, result.stdout + result.stderr).toBe(code);
  return result.stdout;
}

/** Of the two seals, the one that no other names. */
function newestSeal(): string {
  const names = readdirSync(bench.lab.sealsDir);
  const all = names.map((name) => bench.read(`seals/${name}`)).join('');
  const head = names.find((name) => !all.includes(name))!;
  return join(bench.lab.sealsDir, head);
}

describe('a copy of a lab', () => {
  it('stands, also against the heads of every time', async () => {
    await verify(0);
    for (const head of heads) await verify(0, '--head', head);
  });
});

describe('evidence that was', () => {
  const log = 'reports/small/EXPERIMENT_LOG.md';

  it('deleted no longer vouches: its document is named, also where it was changed', async () => {
    rmSync(join(bench.root, log.replace('.md', '.evidence.json')));
    expect(await verify(6)).toContain(`nothing vouches for ${log}`);
    writeFileSync(join(bench.root, log), bench.read(log).replace('worse', 'better'));
    expect(await verify(6)).toContain(`nothing vouches for ${log}`);
  });

  it('deleted beside a chart or a table is missed as well', async () => {
    const charts = join(bench.lab.reportsDir, 'small/charts');
    const [name] = readdirSync(charts).filter((each) => each.endsWith('.evidence.json'));
    rmSync(join(charts, name!));
    rmSync(join(bench.lab.reportsDir, 'small/summary.evidence.json'));
    const said = await verify(6);
    for (const ending of ['svg', 'png', 'vl.json']) {
      expect(said).toContain(`small/charts/${name!.replace('evidence.json', ending)}`);
    }
    expect(said).toContain('nothing vouches for reports/small/summary.csv');
  });

  it('never asked of notes and of files that a person wrote', async () => {
    mkdirSync(join(bench.lab.reportsDir, 'small/notes'));
    writeFileSync(join(bench.lab.reportsDir, 'small/mine.md'), '# 12 thoughts\n');
    writeFileSync(join(bench.lab.reportsDir, 'small/notes/summary.csv'), '1,2\n');
    await verify(0);
  });
});

describe('JSON that parses to the same', () => {
  it.each([
    ['a name that stands twice', (text: string) => text.replace('{', '{\n  "schema": "other",')],
    ['another white space', (text: string) => text.replaceAll('\n', '\r\n')],
  ])('is found in manifest and evidence: %s', async (_, change) => {
    for (const file of [
      `runs/${runIds[0]}/manifest.json`,
      'reports/small/EXPERIMENT_LOG.evidence.json',
    ]) {
      const text = bench.read(file);
      writeFileSync(join(bench.root, file), change(text));
      expect(await verify(6)).toContain(`${file} is not as it was written`);
      writeFileSync(join(bench.root, file), text);
    }
  });
});

describe('a run that was', () => {
  it('removed is told once for each document, not once for each of its numbers', async () => {
    const [runId] = runIds as [string];
    rmSync(dirOf(runId), { recursive: true });
    const lines = (await verify(6)).split('\n');
    const places = lines.filter((line) => line.startsWith('reports/small/EXPERIMENT_LOG.md:'));
    expect(lines.some((line) => / and \d+ more of reports\/small\/EXP/.test(line))).toBe(true);
    // Its own numbers, and those of the runs that are compared with it.
    expect(places.length).toBeLessThanOrEqual(runIds.length);
  });

  it('added by copying another is named, and so is where it came from', async () => {
    const [runId] = runIds as [string];
    const copy = `${dirname(runId)}/20300101T000000Z-copied`;
    cpSync(dirOf(runId), dirOf(copy), { recursive: true });
    const said = await verify(6);
    expect(said).toContain(`runs/${copy}`);
    expect(said).toContain(runId);
  });

  it('copied and made out as a run of its own is covered by no seal', async () => {
    const [runId] = runIds as [string];
    const attempt = '20300101T000000Z-copied';
    const copy = `${dirname(runId)}/${attempt}`;
    cpSync(dirOf(runId), dirOf(copy), { recursive: true });
    const path = join(dirOf(copy), 'manifest.json');
    const manifest = JSON.parse(bench.read(`runs/${copy}/manifest.json`)) as Record<
      string,
      unknown
    >;
    const forged = { ...manifest, runId: copy, attempt };
    writeFileSync(path, JSON.stringify({ ...forged, digest: manifestDigest(forged) }, null, 2));
    expect(await verify(6)).toContain(`${copy} is covered by no seal`);
  });

  it('deleted is named, and so is every number of the log that stood on it', async () => {
    const [runId] = runIds as [string];
    rmSync(dirOf(runId), { recursive: true });
    const said = await verify(6);
    expect(said).toContain(`${runId} was sealed as closed`);
    expect(said).toMatch(/EXPERIMENT_LOG\.md:\d+:\d+/);
  });

  it('moved to another name is named', async () => {
    const [runId] = runIds as [string];
    renameSync(dirOf(runId), `${dirOf(runId)}x`);
    expect(await verify(6)).toContain(runId);
  });

  it('rewritten with a fitting digest is found by the seals', async () => {
    const [runId] = runIds as [string];
    const manifest = JSON.parse(bench.read(`runs/${runId}/manifest.json`)) as Record<
      string,
      unknown
    >;
    const forged = { ...manifest, elapsedMs: 1 };
    writeFileSync(
      join(dirOf(runId), 'manifest.json'),
      JSON.stringify({ ...forged, digest: manifestDigest(forged) }, null, 2),
    );
    expect(await verify(6)).toContain(`the manifest of ${runId} was changed after it was sealed`);
  });

  it('deleted together with the newest seal and the report is found only by a head', async () => {
    const runId = runIds.at(-1)!;
    rmSync(dirOf(runId), { recursive: true });
    rmSync(newestSeal());
    rmSync(bench.lab.reportsDir, { recursive: true });
    await verify(0);
    await verify(0, '--head', heads[0]!);
    expect(await verify(6, '--head', heads[1]!)).toContain(heads[1]!);
  });
});

describe('a file of a run that was', () => {
  it.each(['results_summary.json', 'samples.jsonl', 'run.log', 'run.err'])(
    'deleted is named: %s',
    async (name) => {
      rmSync(join(dirOf(runIds[0]!), name));
      expect(await verify(6)).toContain(`runs/${runIds[0]}/${name} was deleted`);
    },
  );

  it('deleted is named also when it is the manifest', async () => {
    rmSync(join(dirOf(runIds[0]!), 'manifest.json'));
    expect(await verify(6)).toContain(`runs/${runIds[0]}: no manifest.json`);
  });

  it.each(['run.log', 'run.err'])('edited is named: %s', async (name) => {
    writeFileSync(join(dirOf(runIds[0]!), name), 'nothing happened\n');
    expect(await verify(6)).toContain(`runs/${runIds[0]}/${name} was changed`);
  });

  it('added is named', async () => {
    writeFileSync(join(dirOf(runIds[0]!), 'better.json'), '{}');
    expect(await verify(6)).toContain(`runs/${runIds[0]}/better.json is not among the files`);
  });

  it('emptied is named', async () => {
    for (const name of ['samples.jsonl', 'results_summary.json', 'manifest.json']) {
      writeFileSync(join(dirOf(runIds[0]!), name), '');
      expect(await verify(6)).toContain(`runs/${runIds[0]}`);
    }
  });
});

describe('a row of samples.jsonl that was', () => {
  const rows = (): string[] => bench.read(`runs/${runIds[0]}/samples.jsonl`).split('\n');
  const write = (all: string[]): void =>
    writeFileSync(join(dirOf(runIds[0]!), 'samples.jsonl'), all.join('\n'));

  it.each([
    ['removed', (all: string[]) => all.toSpliced(25, 1)],
    ['doubled', (all: string[]) => all.toSpliced(25, 0, all[25]!)],
    ['swapped with another', (all: string[]) => all.with(25, all[26]!).with(26, all[25]!)],
    ['cut short', (all: string[]) => all.with(25, all[25]!.slice(0, 40))],
    ['the last', (all: string[]) => all.slice(0, -2)],
  ])('%s is found', async (_, change) => {
    write(change(rows()));
    expect(await verify(6)).toContain(`runs/${runIds[0]}/samples.jsonl`);
  });
});

describe('a report that was', () => {
  it('deleted, or whose evidence was, is named', async () => {
    rmSync(join(bench.lab.reportsDir, 'small/EXPERIMENT_LOG.md'));
    expect(await verify(6)).toContain('EXPERIMENT_LOG.md was deleted');
    expect((await bench.assay(['report', 'small'])).code).toBe(0);
    await verify(0);
    writeFileSync(join(bench.lab.reportsDir, 'small/EXPERIMENT_LOG.evidence.json'), '{}');
    expect(await verify(6)).toContain('EXPERIMENT_LOG.evidence.json cannot be read');
  });

  it('given a number, a line or another word is named', async () => {
    const path = join(bench.lab.reportsDir, 'small/EXPERIMENT_LOG.md');
    const text = bench.read('reports/small/EXPERIMENT_LOG.md');
    writeFileSync(path, `${text}\nIt is 12 % faster.\n`);
    expect(await verify(6)).toContain('a number that the report did not write');
    writeFileSync(path, text.replace('**', '__'));
    expect(await verify(6)).toContain('EXPERIMENT_LOG.md');
    writeFileSync(path, text.replace('\n\n', '\n\n\n'));
    expect(await verify(6)).toContain('EXPERIMENT_LOG.md');
  });
});

describe('a seal that was', () => {
  it('deleted is named when a later one knows it', async () => {
    const older = readdirSync(bench.lab.sealsDir)
      .map((name) => join(bench.lab.sealsDir, name))
      .find((path) => path !== newestSeal())!;
    rmSync(older);
    expect(await verify(6)).toMatch(/\d{8}T\d{6}Z-\w{6}\.json was deleted/);
  });

  it('emptied is named', async () => {
    writeFileSync(newestSeal(), '');
    expect(await verify(6)).toContain('is no seal');
  });

  it('all deleted leaves every run without a seal', async () => {
    rmSync(bench.lab.sealsDir, { recursive: true });
    const said = await verify(6);
    for (const runId of runIds) expect(said).toContain(`${runId} is covered by no seal`);
    expect(existsSync(bench.lab.sealsDir)).toBe(false);
  });
});

describe('verify of one run', () => {
  it('looks at that run alone', async () => {
    const [first, second] = runIds as [string, string];
    writeFileSync(join(dirOf(first), 'run.log'), 'changed');
    await verify(0, second.split('/').at(-1)!);
    expect(await verify(6, first.split('/').at(-1)!)).toContain(first);
    expect((await bench.assay(['verify', 'nothing'])).code).toBe(2);
  });
});
