import { describe, expect, it } from 'vitest';
import { UsageError } from '../record/errors.ts';
import { isSimulatedOnCpu, parseScheme, SCHEMES, withGroup } from './scheme.ts';

describe('schemes', () => {
  it('are the vocabulary, each parsed to itself', () => {
    expect(SCHEMES.map(({ text }) => text)).toEqual([
      'f32',
      'bf16',
      'f16',
      'fp8-block128',
      'fp8-channel',
      'fp8-tensor',
      'int8-channel',
      'int8-g128',
      'int4-g32',
      'int4-g64',
      'int4-g128',
      'int4-asym-g32',
      'int4-asym-g64',
      'int4-asym-g128',
      'stored',
    ]);
    for (const scheme of SCHEMES) expect(parseScheme(scheme.text)).toBe(scheme);
  });

  it('an unknown one lists all there are', () => {
    expect(() => parseScheme('int3')).toThrow(UsageError);
    try {
      parseScheme('int3');
    } catch (error) {
      for (const { text } of SCHEMES) expect((error as UsageError).hint).toContain(text);
    }
  });

  it('change only their group', () => {
    expect(withGroup(parseScheme('int4-asym-g128'), 16)).toEqual({
      ...parseScheme('int4-asym-g128'),
      text: 'int4-asym-g16',
      group: 16,
    });
    expect(() => withGroup(parseScheme('fp8-channel'), 16)).toThrow(TypeError);
  });

  it('say which have no arithmetic on a CPU', () => {
    const simulated = SCHEMES.filter(isSimulatedOnCpu).map(({ text }) => text);
    expect(simulated).toEqual(['bf16', 'f16', 'fp8-block128', 'fp8-channel', 'fp8-tensor']);
  });
});
