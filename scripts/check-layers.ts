/**
 * Enforces architecture/layers.json: imports run one way. Static imports, re-exports, dynamic
 * imports and type imports all count, because a type that leaks upwards drags its layer along.
 */
import { existsSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { join, posix, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type Architecture, type Layer, layerOf, readArchitecture } from './layers.ts';
import {
  isCode,
  listFiles,
  type Problem,
  reportProblems,
  SourceFile,
  type SyntaxNode,
} from './source-tree.ts';

interface Import {
  /** null: not a literal, so nobody can tell what it loads. */
  readonly specifier: string | null;
  readonly offset: number;
}

/** Every import of the code below the root, against the rules. */
export function checkLayers(options: { root: string; files?: readonly string[] }): {
  files: number;
  problems: Problem[];
} {
  const { root } = options;
  const rules = 'architecture/layers.json';
  const architecture = readArchitecture(join(root, rules));
  const prefix = `${architecture.root}/`;
  const files = (options.files ?? listFiles(root)).filter(
    (file) => file.startsWith(prefix) && isCode(file),
  );
  const problems: Problem[] = [];
  const used = new Set<Layer>();
  for (const file of files) {
    const layer = layerOf(architecture, file.slice(prefix.length));
    if (layer === null) {
      const message = `belongs to no layer; put it into one, or add its layer to ${rules}`;
      problems.push({ file, line: null, rule: 'unclassified', message });
      continue;
    }
    used.add(layer);
    problems.push(...checkFile({ root, architecture, layer, source: SourceFile.read(root, file) }));
  }
  if (files.length === 0) {
    const message = `no source files below ${prefix}: nothing was checked`;
    problems.push({ file: prefix, line: null, rule: 'zero-files', message });
  }
  for (const layer of architecture.layers) {
    if (used.has(layer) || files.length === 0) continue;
    const message = `layer "${layer.name}" (${prefix}${layer.path}) has no files`;
    problems.push({ file: rules, line: null, rule: 'empty-layer', message });
  }
  return { files: files.length, problems };
}

interface FileCheck {
  readonly root: string;
  readonly architecture: Architecture;
  readonly layer: Layer;
  readonly source: SourceFile;
}

function checkFile(check: FileCheck): Problem[] {
  const { source } = check;
  const problems = source.parsed.errors.map((error) =>
    source.problemAt(error.labels[0]?.start ?? 0, 'syntax', error.message),
  );
  for (const { specifier, offset } of importsOf(source)) {
    const broken = ruleBroken(check, specifier);
    if (broken !== null) problems.push(source.problemAt(offset, broken.rule, broken.message));
  }
  return problems;
}

type Broken = { rule: string; message: string };

function ruleBroken(check: FileCheck, specifier: string | null): Broken | null {
  if (specifier === null) {
    const message = 'loads a module by a computed name, which no check can follow; use a literal';
    return { rule: 'computed-import', message };
  }
  if (specifier.startsWith('.')) return relativeBroken(check, specifier);
  const { layer, architecture, source } = check;
  const isTest = source.file.endsWith(architecture.tests.suffix);
  if (specifier.startsWith('node:') || builtinModules.includes(specifier)) {
    if (layer.node || isTest) return null;
    const message = `${layer.name} is pure: it may not import "${specifier}"`;
    return { rule: 'node-built-in', message };
  }
  const depth = specifier.startsWith('@') ? 2 : 1;
  const name = specifier.split('/').slice(0, depth).join('/');
  if (layer.packages.includes(name)) return null;
  if (isTest && architecture.tests.packages.includes(name)) return null;
  const allowed = layer.packages.length === 0 ? 'no packages' : `only ${layer.packages.join(', ')}`;
  const message = `${layer.name} may not import "${name}" (it may import ${allowed})`;
  return { rule: 'package', message };
}

function relativeBroken(check: FileCheck, specifier: string): Broken | null {
  const { architecture, layer, root, source } = check;
  const target = posix.join(posix.dirname(source.file), specifier);
  const prefix = `${architecture.root}/`;
  if (!target.startsWith(prefix)) {
    return { rule: 'outside', message: `imports "${specifier}", which is outside ${prefix}` };
  }
  if (!existsSync(join(root, target))) {
    return { rule: 'no-such-file', message: `imports "${specifier}", but there is no ${target}` };
  }
  const other = layerOf(architecture, target.slice(prefix.length));
  if (other === null) {
    return { rule: 'unclassified', message: `imports "${specifier}", which belongs to no layer` };
  }
  if (other === layer || layer.imports.includes(other.name)) return null;
  const allowed = layer.imports.join(', ') || 'nothing of ours';
  const message = `${layer.name} may not import ${other.name} ("${specifier}"), only ${allowed}`;
  return { rule: 'layer', message };
}

/** Imports in all their forms, in the order of the file. */
export function importsOf(source: SourceFile): Import[] {
  const found: Import[] = [];
  source.walk((node) => {
    const specifier = specifierOf(node);
    if (specifier !== undefined) found.push({ specifier, offset: node.start });
  });
  return found;
}

/** undefined: not an import; null: an import of something computed. */
function specifierOf(node: SyntaxNode): string | null | undefined {
  switch (node.type) {
    case 'ImportDeclaration':
    case 'ExportAllDeclaration':
    case 'ImportExpression':
    case 'TSImportType':
      return literalOf(node.source);
    case 'ExportNamedDeclaration':
      return node.source === null ? undefined : literalOf(node.source);
    case 'TSExternalModuleReference':
      return literalOf(node.expression);
    case 'CallExpression': {
      const callee = node.callee as SyntaxNode;
      const isRequire = callee.type === 'Identifier' && callee.name === 'require';
      return isRequire ? literalOf((node.arguments as unknown[])[0]) : undefined;
    }
    default:
      return undefined;
  }
}

function literalOf(value: unknown): string | null {
  const node = value as SyntaxNode | undefined;
  if (node?.type === 'Literal' && typeof node.value === 'string') return node.value;
  const quasis = node?.type === 'TemplateLiteral' ? (node.quasis as SyntaxNode[]) : [];
  if (quasis.length !== 1) return null;
  return (quasis[0]!.value as { cooked: string }).cooked;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const root = resolve(import.meta.dirname, '..');
  const { files, problems } = checkLayers({ root });
  const passed = reportProblems({ check: 'layers', files, problems, print: console.log });
  process.exitCode = passed ? 0 : 1;
}
