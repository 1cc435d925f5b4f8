/** Where a name alone does not say whether its value is a secret: what stands there decides. */
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { redactArgv, redactText } from './redact.ts';
import { redactingLineFilter } from './redact-stream.ts';

const argv = (words: string): string => redactArgv(words.split(' ')).join(' ');

describe('a command line', () => {
  it.each([
    ['mysql -phunter db', 'mysql -p[redacted] db'],
    ['/usr/bin/mysqldump -pa db', '/usr/bin/mysqldump -p[redacted] db'],
    ['x -pSECRET', 'x -p[redacted]'],
    ['x -ps3cret!', 'x -p[redacted]'],
    ['sshpass -p hunter ssh h', 'sshpass -p [redacted] ssh h'],
    ['docker login -u me -p hunter', 'docker login -u me -p [redacted]'],
    ['redis-cli -a hunter ping', 'redis-cli -a [redacted] ping'],
    ['curl -ume:hunter https://h', 'curl -ume:[redacted] https://h'],
    ['x --key abcd1234efgh', 'x --key [redacted]'],
    ['x --key=abcd1234efgh', 'x --key=[redacted]'],
    ['x key=abcd1234efgh', 'x key=[redacted]'],
    ['x --wandb-key abc', 'x --wandb-key [redacted]'],
  ])('hides the secret of %s', (words, expected) => {
    expect(argv(words)).toBe(expected);
  });

  it.each([
    ...['find . -print -prune', 'x -p 8000', 'x -p8000:80', 'x -p/a/B', 'x -pl 32', 'gcc -pthread'],
    ...['mysql -p db', 'docker run -p 8000:80 img', 'ssh -p2222 host', 'python -m x -p no:cache'],
    ...['x --key layers', 'x --sort-key abc123def4', 'x key=model.layers.0', 'x --key=int4-g128'],
  ])('leaves %s alone', (words) => {
    expect(argv(words)).toBe(words);
  });

  it('hides a header that is glued to its flag', () => {
    expect(redactArgv(['curl', '-HX-Api-Key: abc'])).toEqual(['curl', '-HX-Api-Key: [redacted]']);
  });
});

describe('free text', () => {
  it.each([
    ['used key=abcd1234efgh', 'used key=[redacted]'],
    ['used token=abcdefgh now', 'used token=[redacted] now'],
    ['token: abcd1234', 'token: [redacted]'],
    ['the API key is abcd1234', 'the API key is [redacted]'],
    ['password is hunter2', 'password is [redacted]'],
    ['pwd=hunter2;', 'pwd=[redacted];'],
    ['sent Basic YWRtaW46aHVudGVyMg==', 'sent Basic [redacted]'],
    ['AccountKey=ab==;Suffix=c', 'AccountKey=[redacted]'],
    ["ran mysql -u me -p'a b' db", 'ran mysql -u me -p[redacted] db'],
    ['ran sshpass -p hunter ssh h', 'ran sshpass -p [redacted] ssh h'],
  ])('hides the secret of %s', (said, expected) => {
    expect(redactText(said)).toBe(expected);
    expect(redactText(expected)).toBe(expected);
  });

  it.each([
    ...['tokens=128 key=3', 'token=<bos>', 'token: 5', 'token=123456', 'key: 12', 'key=value'],
    ...['missing key: model.layers.0.mlp', 'key=int4-g128', 'key: decoder_layers_11'],
    ...['password is required', 'PWD=/srv/me', 'basic functionality', 'Token usage: 0.31'],
    ...['the api key is missing', 'session: interactive', 'gcc -pthread -pipe'],
  ])('leaves %s alone', (said) => {
    expect(redactText(said)).toBe(said);
  });

  it('takes time that grows with the text, not with its square', () => {
    const seconds = (of: string): number => {
      const before = process.cpuUsage();
      redactText(of);
      return process.cpuUsage(before).user;
    };
    for (const piece of ['mysql ', '-p', 'docker login ', 'key=', 'token is ', 'basic ']) {
      const [short, long] = [seconds(piece.repeat(20_000)), seconds(piece.repeat(160_000))];
      // Eight times the text: a quadratic rule takes 64 times as long.
      expect(long, piece).toBeLessThan(32 * short + 200_000);
    }
  });
});

describe('a stream', () => {
  const key = ['-----BEGIN RSA PRIVATE KEY-----', 'Proc-Type: 4,ENCRYPTED', '', 'MIIEabcdefgh+/='];
  const filtered = (chunks: Buffer[]): Promise<string> =>
    text(Readable.from(chunks, { objectMode: true }).pipe(redactingLineFilter()));

  it('hides all lines of a private key, in however many chunks, and nothing after it', async () => {
    const said = ['before', ...key, 'MIIEzzzz', '-----END RSA PRIVATE KEY-----', 'after 1', ''];
    const content = Buffer.from(said.join('\n'));
    const cuts = fc.uniqueArray(fc.nat({ max: content.length }), { maxLength: 6 });
    await fc.assert(
      fc.asyncProperty(cuts, async (at) => {
        const edges = [0, ...at.sort((a, b) => a - b), content.length];
        const out = await filtered(
          edges.slice(1).map((edge, i) => content.subarray(edges[i], edge)),
        );
        expect(out).not.toMatch(/MIIE|ENCRYPTED|PRIVATE/);
        expect(out).toMatch(/^before\n[\s\S]*\nafter 1\n$/);
      }),
    );
  });

  it('goes on after a key whose end never comes', async () => {
    const out = await filtered([
      Buffer.from([...key, 'loading the model, 12 shards', ''].join('\n')),
    ]);
    expect(out).toContain('loading the model, 12 shards');
    expect(out).not.toContain('MIIE');
  });
});
