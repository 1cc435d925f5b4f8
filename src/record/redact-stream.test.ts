import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { NO_SECRETS, type Secrets, secretsOf } from './redact.ts';
import { redactingLineFilter } from './redact-stream.ts';

const filtered = (chunks: (Buffer | string)[], secrets: Secrets = NO_SECRETS): Promise<string> =>
  text(Readable.from(chunks, { objectMode: true }).pipe(redactingLineFilter(secrets)));

describe('redactingLineFilter', () => {
  it('finds a secret in however many chunks it comes, and changes nothing else', async () => {
    const secrets = secretsOf({ MY_TOKEN: 'sécret-value' });
    const content = Buffer.from(' 10%\r 20%\rköln sécret-value!\n\nBearer abcdefghijk\r\nlast');
    const cuts = fc.uniqueArray(fc.nat({ max: content.length }), { maxLength: 8 });
    await fc.assert(
      fc.asyncProperty(cuts, async (at) => {
        const edges = [0, ...at.sort((a, b) => a - b), content.length];
        const chunks = edges.slice(1).map((edge, i) => content.subarray(edges[i], edge));
        expect(await filtered(chunks, secrets)).toBe(
          ' 10%\r 20%\rköln [redacted]!\n\nBearer [redacted]\r\nlast',
        );
      }),
    );
  });

  it('passes a line without end on in parts, with no secret cut in two', async () => {
    const secrets = secretsOf({ MY_TOKEN: 'abcd efgh ijkl' });
    const piece = 'word abcd efgh ijkl '.repeat(1000);
    const out = await filtered(Array(150).fill(piece), secrets);
    expect(out).toBe('word [redacted] '.repeat(150_000));
  });

  it('says how much of an endless line without a break it left out', async () => {
    const out = await filtered(['x'.repeat(3 << 20), 'y\nend\n']);
    expect(out).toMatch(/^\[\d+ characters without a break were left out\]\ny\nend\n$/);
  });
});
