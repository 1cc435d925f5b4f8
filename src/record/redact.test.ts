import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { captureVariables } from './environment.ts';
import {
  redactArgv,
  redactDeep,
  redactStrings,
  redactText,
  redactUrl,
  secretsOf,
} from './redact.ts';

// Made up here; each has the shape of its kind.
const letters = 'aB3dE5gH7jK9mN1pQ2sT4vW6yZ8xC0fG';
const SHAPED = [
  `hf_${letters}`,
  `sk-${letters}`,
  `sk-ant-api03-${letters}`,
  `ghp_${letters}`,
  `github_pat_${letters}`,
  `xoxb-123-${letters}`,
  'AKIAABCDEFGH12345678',
  `AIza${letters}abc`,
  `eyJ${letters}.eyJ${letters}.${letters}`,
  `r8_${letters}`,
  `pypi-${letters}`,
  `sk_live_${letters}`,
  `SG.${letters}.${letters}`,
  `-----BEGIN RSA PRIVATE KEY-----\n${letters}\n-----END RSA PRIVATE KEY-----`,
];

describe('redactText', () => {
  it.each(SHAPED)('knows the shape of %s', (key) => {
    for (const text of [key, `got ${key}, then`, `a="${key}"`, `x%3D${key}`]) {
      expect(redactText(text)).not.toContain(key.slice(8, -4));
      expect(redactText(redactText(text))).toBe(redactText(text));
    }
  });

  it.each([
    ['Authorization: Bearer abc', 'Authorization: Bearer [redacted]'],
    ['authorization=Basic dXNlcjpw', 'authorization=Basic [redacted]'],
    ['"Authorization": "Token abc"', '"Authorization": "Token [redacted]"'],
    ['sent Bearer abcdefgh.ijk', 'sent Bearer [redacted]'],
    ['X-Api-Key: q w', 'X-Api-Key: [redacted] w'],
    ['MY_TOKEN=x y', 'MY_TOKEN=[redacted] y'],
    ['{"password": "a b", "n": 1}', '{"password": [redacted], "n": 1}'],
    ['said: --header=x-api-key: q', 'said: --header=x-api-key: [redacted]'],
    ['--verbose --token q', '--verbose --token [redacted]'],
    ['/?to=/?api_key=q&x=1', '/?to=/?api_key=[redacted]&x=1'],
    ['/?api%5Fkey=q&x=1', '/?api%5Fkey=[redacted]&x=1'],
    ['Authorization: ApiKey abc', 'Authorization: ApiKey [redacted]'],
    ['AWS4-HMAC-SHA256 Credential=a/b, Signature=c', 'AWS4-HMAC-SHA256 [redacted]'],
    ['Cookie: a=b; session=c', 'Cookie: [redacted]'],
    ['Ocp-Apim-Subscription-Key: q', 'Ocp-Apim-Subscription-Key: [redacted]'],
    ['curl -u me:q w https://h', 'curl -u me:[redacted] w https://h'],
    ['{"token": "longenough"}', '{"token": "[redacted]"}'],
    ['MYSQL_PWD=q', 'MYSQL_PWD=[redacted]'],
    ['http://u:p@ss@host/p?q=1', 'http://[redacted]@host/p?q=1'],
  ])('knows the place: %s', (text, expected) => {
    expect(redactText(text)).toBe(expected);
  });

  it.each([
    'Loading checkpoint shards: 100%|##########| 4/4',
    'token: 5 of 10, 31.5 tokens/s, max_tokens=128',
    'eos_token: 2, ms_per_token=3.2, --eos-token 2',
    '{"token": " the"}, docker run -u 1000:1000, rsync -u host:/path/of/a/file, PWD=/srv/place',
    'risk-assessment-of-the-whole-network, task-0123456789abcdef',
    'runs/quickstart/eval~int8-g128/20261120T053400Z-ab12cd',
    'https://host/models/meta-llama/Llama-3.1-8B?revision=main#top',
    'sha256 ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad',
  ])('leaves alone: %s', (text) => {
    expect(redactText(text)).toBe(text);
  });
});

describe('redactUrl', () => {
  it('takes user info and secret parameters out and keeps the rest', () => {
    expect(
      redactUrl(
        'https://me:pw@h:8000/v1?model=a&api_key=k1&X-Amz-Signature=s&key=z#access_token=t',
      ),
    ).toBe(
      'https://[redacted]@h:8000/v1?model=a&api_key=[redacted]&X-Amz-Signature=[redacted]' +
        '&key=[redacted]',
    );
  });
});

describe('redactArgv', () => {
  it('takes out what stands behind a secret flag', () => {
    const secret = 'plain-looking';
    const argv = [
      ...['run', '--api-key', secret, `--token=${secret}`, '--hf-token', secret, '-H'],
      ...[`Authorization: Bearer ${secret}`, `HF_TOKEN=${secret}`, '--password', secret],
    ];
    expect(redactArgv(argv)).toEqual([
      ...['run', '--api-key', '[redacted]', '--token=[redacted]', '--hf-token', '[redacted]', '-H'],
      ...['Authorization: Bearer [redacted]', 'HF_TOKEN=[redacted]', '--password', '[redacted]'],
    ]);
  });

  it('knows logins and headers, with quotes and without', () => {
    const secret = 'plain-looking';
    expect(
      redactArgv(['curl', '-u', `me:${secret}`, '-H', `Cookie: a=${secret}; b=${secret}`]),
    ).toEqual(['curl', '-u', 'me:[redacted]', '-H', 'Cookie: [redacted]']);
    expect(redactArgv(['-H', `X-Auth-Token: ${secret} x`, '--pass', secret])).toEqual([
      ...['-H', 'X-Auth-Token: [redacted]', '--pass', '[redacted]'],
    ]);
    expect(redactArgv(['Authorization:', 'Token', secret])).toEqual([
      ...['Authorization:', 'Token', '[redacted]'],
    ]);
    const harmless = ['grep', 'token', 'samples.txt', '-u', '1000:1000', '-u', 'host:/a/path'];
    expect(redactArgv(harmless)).toEqual(harmless);
  });

  it('leaves other flags alone', () => {
    const argv = ['--max-tokens', '128', '--tokenizer', 'x', '--key-file', 'f', '--eos-token', '2'];
    expect(redactArgv(argv)).toEqual(argv);
  });
});

describe('redactDeep', () => {
  it('hides whatever stands under a secret name, and values and names anywhere', () => {
    const secrets = secretsOf({ MY_SECRET: 'hunter2hunter2' });
    const value = {
      ...{ apiKey: 'k', auth: { user: 'u', list: ['v'] }, password: 12345678, max_tokens: 5 },
      ...{
        note: 'so hunter2hunter2',
        'of hunter2hunter2': 1,
        cellKey: 'abc',
        argv: ['--token', 't'],
      },
    };
    expect(redactDeep(value, secrets)).toEqual({
      ...{ apiKey: '[redacted]', auth: { user: '[redacted]', list: ['[redacted]'] } },
      ...{ password: '[redacted]', max_tokens: 5, note: 'so [redacted]', 'of [redacted]': 1 },
      ...{ cellKey: 'abc', argv: ['--token', '[redacted]'] },
    });
  });

  it('keeps everything else as it is', () => {
    fc.assert(
      fc.property(fc.jsonValue({ stringUnit: fc.constantFrom(...'abcxyz ') }), (value) => {
        expect(redactStrings(value)).toEqual(value);
      }),
    );
  });
});

describe('secretsOf', () => {
  it('takes long values under secret names, and the lines of long ones', () => {
    const pem = '-----BEGIN KEY-----\nMIIEvQIBADANBg\n-----END KEY-----\n';
    const env = {
      A_TOKEN: 'short',
      TLS_KEY: pem,
      DB_PASSWORD: 'p/w+d(1)?x',
      EDITOR: 'some-editor',
    };
    const secrets = secretsOf({ ...env, TOKENIZERS_PARALLELISM: 'falsefalse' });
    const text = 'short MIIEvQIBADANBg p/w+d(1)?x p%2Fw%2Bd(1)%3Fx some-editor falsefalse';
    expect(redactText(text, secrets)).toBe(
      'short [redacted] [redacted] [redacted] some-editor falsefalse',
    );
  });
});

describe('captureVariables', () => {
  it('records the allow-list only, redacted', () => {
    const env = { OMP_NUM_THREADS: '4', EDITOR: 'e', HF_TOKEN: 'abcdefgh', CI: 'see abcdefgh' };
    expect(captureVariables(env)).toEqual({ OMP_NUM_THREADS: '4', CI: 'see [redacted]' });
  });
});
