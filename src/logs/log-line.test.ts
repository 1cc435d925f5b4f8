import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { LogLine, withoutColours } from './log-line.ts';

function lineOf(text: string): LogLine {
  const bytes = Buffer.from(`before\n${text}\nafter`);
  const line = new LogLine();
  line.set(bytes, 7, bytes.length - 6);
  line.number = 2;
  line.start = 7;
  return line;
}

describe('the evidence of a line', () => {
  it('names the bytes as they are and shows the text without colours', () => {
    const raw = '\u001b[1;36m(pid=7)\u001b[0;0m Größe 5';
    const evidence = lineOf(raw).evidence('a.log');
    const sha256 = createHash('sha256').update(raw).digest('hex');
    const end = 7 + Buffer.byteLength(raw);
    expect(evidence).toEqual({
      path: 'a.log',
      line: 2,
      start: 7,
      end,
      text: '(pid=7) Größe 5',
      sha256,
    });
  });

  it('shows no secret and no more than 500 characters', () => {
    const { text } = lineOf(
      `args: --api-key sk-0123456789abcdef0123456789 ${'x'.repeat(900)}`,
    ).evidence('a');
    expect(text).not.toContain('0123456789abcdef');
    expect(text).toHaveLength(500);
  });

  it('outlives the bytes of the line', () => {
    const line = lineOf('kept');
    const copy = line.copy();
    line.set(Buffer.from('other'), 0, 5);
    expect(copy.evidence('a')).toMatchObject({ line: 2, text: 'kept' });
  });
});

describe('terminal sequences', () => {
  it.each([
    ['\u001b[31mred\u001b[0m', 'red'],
    ['\u001b]0;title\u0007text', 'text'],
    ['\u001b[2K\u001b[1Aline', 'line'],
    ['no end \u001b[', 'no end \u001b['],
  ])('%j', (text, expected) => {
    expect(withoutColours(text)).toBe(expected);
  });
});
