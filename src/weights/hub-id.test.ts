import { describe, expect, it } from 'vitest';
import { UsageError } from '../record/errors.ts';
import { isHubId, parseHubId } from './hub-id.ts';

describe('names', () => {
  it('are org/name with an optional revision', () => {
    expect(parseHubId('org/name')).toEqual({ name: 'org/name', revision: 'main' });
    expect(parseHubId('Qwen/Qwen3-0.6B@refs/pr/1')).toEqual({
      name: 'Qwen/Qwen3-0.6B',
      revision: 'refs/pr/1',
    });
  });

  it.each([
    'name',
    'a/b/c',
    './models/x',
    '../x/y',
    '/abs/path',
    'a/b@',
    'a/b@../../x',
    'a/..',
    'a--b/c',
  ])('%s is none', (text) => {
    expect(isHubId(text)).toBe(false);
    expect(() => parseHubId(text)).toThrow(UsageError);
  });
});
