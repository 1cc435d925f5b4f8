import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { checkLayers } from '../../scripts/check-layers.ts';
import { readArchitecture } from '../../scripts/layers.ts';
import { temporaryTree } from './temporary-tree.ts';

const rules = {
  root: 'src',
  tests: { suffix: '.test.ts', packages: ['vitest'] },
  layers: [
    { name: 'ground', path: 'ground/', why: '', imports: [], packages: ['zod'], node: true },
    { name: 'pure', path: 'pure/', why: '', imports: ['ground'], packages: [], node: false },
    { name: 'top', path: 'top/', why: '', imports: ['pure'], packages: [], node: true },
  ],
};

/** A tree that keeps the rules. */
const sound = {
  'architecture/layers.json': JSON.stringify(rules),
  'src/ground/stone.ts': "import { readFileSync } from 'node:fs';\nexport { readFileSync };\n",
  'src/pure/form.ts': "import type { z } from '../ground/stone.ts';\nexport type { z };\n",
  'src/top/roof.ts': "export * from '../pure/form.ts';\n",
};

function problemsOf(files: Record<string, string>) {
  return checkLayers({ root: temporaryTree({ ...sound, ...files }) }).problems.map(
    ({ file, line, rule }) => `${file}:${line} ${rule}`,
  );
}

describe('the layer check', () => {
  it('passes a tree that keeps the rules', () => {
    expect(checkLayers({ root: temporaryTree(sound) })).toEqual({ files: 3, problems: [] });
  });

  it.each([
    ['a static import', "import { x } from '../top/roof.ts';"],
    ['a type import', "import type { x } from '../top/roof.ts';"],
    ['an inline type', "export type X = import('../top/roof.ts').X;"],
    ['a re-export', "export { x } from '../top/roof.ts';"],
    ['a star export', "export * from '../top/roof.ts';"],
    ['a dynamic import', "export const x = () => import('../top/roof.ts');"],
    ['a dynamic import of a template', 'export const x = () => import(`../top/roof.ts`);'],
    ['a require', "export const x = require('../top/roof.ts');"],
  ])('finds an upward import in %s', (_, code) => {
    expect(problemsOf({ 'src/pure/up.ts': `// first line\n${code}\n` })).toEqual([
      'src/pure/up.ts:2 layer',
    ]);
  });

  it('does not let a layer reach through another', () => {
    const code = "import '../ground/stone.ts';\n";
    expect(problemsOf({ 'src/top/deep.ts': code })).toEqual(['src/top/deep.ts:1 layer']);
  });

  it('keeps a pure layer from node built-ins, with and without the prefix', () => {
    const code = "import 'node:fs';\nimport 'fs';\nimport 'fs/promises';\n";
    expect(problemsOf({ 'src/pure/io.ts': code })).toEqual([
      'src/pure/io.ts:1 node-built-in',
      'src/pure/io.ts:2 node-built-in',
      'src/pure/io.ts:3 node-built-in',
    ]);
  });

  it('knows which packages a layer may import, scoped and deep ones too', () => {
    const code = "import 'zod/v4';\nimport '@a/b/c';\nimport 'vitest';\n";
    expect(problemsOf({ 'src/ground/p.ts': code })).toEqual([
      'src/ground/p.ts:2 package',
      'src/ground/p.ts:3 package',
    ]);
  });

  it('gives unit tests their tools and built-ins, but not other layers', () => {
    const code = "import 'vitest';\nimport 'node:fs';\nimport '../top/roof.ts';\n";
    expect(problemsOf({ 'src/pure/form.test.ts': code })).toEqual([
      'src/pure/form.test.ts:3 layer',
    ]);
  });

  it('refuses what it cannot follow', () => {
    const code = 'export const load = (name: string) => import(name);\n';
    expect(problemsOf({ 'src/top/any.ts': code })).toEqual(['src/top/any.ts:1 computed-import']);
  });

  it('refuses imports of files that are not there, and from outside', () => {
    const code = "import './form.js';\nimport '../../package.json';\n";
    expect(problemsOf({ 'src/pure/lost.ts': code })).toEqual([
      'src/pure/lost.ts:1 no-such-file',
      'src/pure/lost.ts:2 outside',
    ]);
  });

  it('refuses a file without a layer', () => {
    expect(problemsOf({ 'src/attic/box.ts': 'export {};\n' })).toEqual([
      'src/attic/box.ts:null unclassified',
    ]);
  });

  it('refuses a tree without files, where every rule would hold', () => {
    const root = temporaryTree({ 'architecture/layers.json': JSON.stringify(rules) });
    expect(checkLayers({ root }).problems.map(({ rule }) => rule)).toEqual(['zero-files']);
  });

  it('refuses a layer without files: its path may be misspelt', () => {
    const { 'src/top/roof.ts': _, ...rest } = sound;
    expect(checkLayers({ root: temporaryTree(rest) }).problems.map(({ rule }) => rule)).toEqual([
      'empty-layer',
    ]);
  });

  it('says so when a file cannot be parsed', () => {
    expect(problemsOf({ 'src/top/bad.ts': 'import {\n' })).toEqual(['src/top/bad.ts:2 syntax']);
  });
});

describe('architecture/layers.json', () => {
  const write = (layers: unknown) =>
    join(temporaryTree({ 'l.json': JSON.stringify({ ...rules, layers }) }), 'l.json');

  it('is refused when it names a layer that is none, or one twice', () => {
    const [ground] = rules.layers;
    expect(() => readArchitecture(write([{ ...ground, imports: ['cellar'] }]))).toThrow(/no layer/);
    expect(() => readArchitecture(write([ground, ground]))).toThrow(/listed twice/);
  });

  it('is refused when imports run in a circle', () => {
    const [ground, pure] = rules.layers;
    const circle = [{ ...ground, imports: ['pure'] }, pure];
    expect(() => readArchitecture(write(circle))).toThrow(/circle: ground, pure/);
  });

  it('lets nothing import the command, and keeps analyze pure', () => {
    const root = resolve(import.meta.dirname, '../..');
    const { layers } = readArchitecture(join(root, 'architecture/layers.json'));
    expect(layers.filter(({ imports }) => imports.includes('cli'))).toEqual([]);
    const analyze = layers.find(({ name }) => name === 'analyze');
    expect(analyze).toMatchObject({ imports: ['record'], packages: [], node: false });
    const runtime = layers.filter(({ packages }) => packages.includes('onnxruntime-node'));
    expect(runtime.map(({ name }) => name)).toEqual(['engine']);
  });
});
