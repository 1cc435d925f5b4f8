import { expect, it } from 'vitest';
import { missingEntries } from '../../scripts/check-lock.ts';

const tool = {
  version: '1.0.0',
  dev: true,
  license: 'MIT',
  engines: { node: '>=14' },
  optionalDependencies: { '@t/linux-x64-musl': '1.0.0', '@t/win32-arm64': '1.0.0' },
};

it('finds nothing where every optional dependency is present, beside or above', () => {
  const packages = {
    '': {},
    'node_modules/tool': tool,
    'node_modules/@t/linux-x64-musl': { version: '1.0.0' },
    'node_modules/tool/node_modules/@t/win32-arm64': { version: '1.0.0' },
  };
  expect(missingEntries({ packages })).toEqual({});
});

it('describes the platform of what is missing by its name', () => {
  expect(missingEntries({ packages: { '': {}, 'node_modules/tool': tool } })).toEqual({
    'node_modules/@t/linux-x64-musl': {
      version: '1.0.0',
      cpu: ['x64'],
      dev: true,
      libc: ['musl'],
      license: 'MIT',
      optional: true,
      os: ['linux'],
      engines: { node: '>=14' },
    },
    'node_modules/@t/win32-arm64': {
      version: '1.0.0',
      cpu: ['arm64'],
      dev: true,
      license: 'MIT',
      optional: true,
      os: ['win32'],
      engines: { node: '>=14' },
    },
  });
});

it('puts them beside a nested package, whose versions may differ from those above', () => {
  const nested = { ...tool, optionalDependencies: { '@t/win32-arm64': '0.9.0' } };
  const above = { 'node_modules/@t/win32-arm64': { version: '1.0.0' } };
  const packages = { ...above, 'node_modules/a/node_modules/tool': nested };
  expect(Object.keys(missingEntries({ packages }))).toEqual([
    'node_modules/a/node_modules/@t/win32-arm64',
  ]);
});

it('leaves ranges to npm', () => {
  const loose = { ...tool, optionalDependencies: { fsevents: '^2.3.0' } };
  expect(missingEntries({ packages: { 'node_modules/tool': loose } })).toEqual({});
});
