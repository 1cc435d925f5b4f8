import {
  existsSync,
  lstatSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  AssayError,
  Cancelled,
  EngineError,
  FormatError,
  UsageError,
} from '../../src/record/errors.ts';
import { openCheckpoint } from '../../src/weights/checkpoint.ts';
import { fetchModel, type HubOptions, type HubProgress } from '../../src/weights/hub.ts';
import { writeSafetensors } from '../../src/weights/safetensors-write.ts';
import { COMMIT, SmallHub, sha256 } from '../support/small-hub.ts';

const TOKEN = 'hf_secretSecretSecret';

let hub: SmallHub;
let cacheDir: string;

function weights(value: number): Buffer {
  const path = join(cacheDir, 'made.safetensors');
  const data = new Uint8Array(new Float32Array(4096).fill(value).buffer);
  writeSafetensors(path, [{ name: 'a', dtype: 'F32', shape: [4096], data }]);
  const bytes = readFileSync(path);
  rmSync(path);
  return bytes;
}

beforeEach(async () => {
  cacheDir = mkdtempSync(join(tmpdir(), 'assay-hub-'));
  hub = new SmallHub();
  hub.files.set('config.json', Buffer.from('{"model_type":"llama"}'));
  hub.files.set('tokenizer.json', Buffer.from('{}'));
  hub.files.set('model.safetensors', weights(1.5));
  hub.files.set('pytorch_model.bin', Buffer.from('not wanted'));
  hub.files.set('README.md', Buffer.from('not wanted'));
  await new Promise<void>((resolve) => hub.server.listen(0, '127.0.0.1', resolve));
});

afterEach(async () => {
  hub.server.closeAllConnections();
  await new Promise((resolve) => hub.server.close(resolve));
  rmSync(cacheDir, { recursive: true });
});

const get = (text = 'org/tiny', more: Partial<HubOptions> = {}, env: HubOptions['env'] = {}) =>
  fetchModel(text, {
    cacheDir,
    retryDelayMs: 1,
    ...more,
    env: { HF_ENDPOINT: hub.url, ...env },
  });

const blobs = () => join(cacheDir, 'models--org--tiny', 'blobs');
const incomplete = () => readdirSync(blobs()).filter((name) => name.endsWith('.incomplete'));

async function failureOf(promise: Promise<unknown>): Promise<AssayError> {
  const error = await promise.then(
    () => null,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(AssayError);
  return error as AssayError;
}

describe('a model that is not in the cache', () => {
  it('arrives whole, in the layout that other tools know, without what is not needed', async () => {
    const seen: HubProgress[] = [];
    const { dir, commit, offline, revision } = await get('org/tiny', {
      onProgress: (progress) => seen.push(progress),
    });
    expect({ commit, offline, revision }).toEqual({
      commit: COMMIT,
      offline: false,
      revision: 'main',
    });
    expect(dir).toBe(join(cacheDir, 'models--org--tiny', 'snapshots', COMMIT));
    expect(readdirSync(dir).sort()).toEqual(['config.json', 'model.safetensors', 'tokenizer.json']);
    expect(lstatSync(join(dir, 'config.json')).isSymbolicLink()).toBe(true);
    expect(readdirSync(blobs())).toContain(sha256(hub.files.get('model.safetensors')!));
    expect(incomplete()).toEqual([]);
    expect(readFileSync(join(dir, '../../refs/main'), 'utf8')).toBe(COMMIT);
    const { source } = openCheckpoint(dir);
    expect(source.names).toEqual(['a']);
    source.close();
    expect(seen.at(-1)!.bytes).toBe(seen.at(-1)!.totalBytes);
    expect(hub.bodies().at(-1)).toContain('model.safetensors');
  });

  it('is fetched shard by shard, as its index says', async () => {
    hub.files.delete('model.safetensors');
    hub.files.set('one.safetensors', weights(1));
    hub.files.set('two.safetensors', weights(2));
    hub.files.set('old.safetensors', weights(3));
    const index = { weight_map: { a: 'one.safetensors', b: 'two.safetensors' } };
    hub.files.set('model.safetensors.index.json', Buffer.from(JSON.stringify(index)));
    const { dir } = await get();
    expect(readdirSync(dir)).toEqual(
      expect.arrayContaining(['one.safetensors', 'two.safetensors']),
    );
    expect(existsSync(join(dir, 'old.safetensors'))).toBe(false);
  });

  it('without safetensors, or with an index to nowhere, is refused', async () => {
    hub.files.delete('model.safetensors');
    expect((await failureOf(get())).message).toMatch(/neither model.safetensors nor/);
    const index = { weight_map: { a: '../../evil.safetensors' } };
    hub.files.set('model.safetensors.index.json', Buffer.from(JSON.stringify(index)));
    hub.files.set('../../evil.safetensors', weights(1));
    expect(await failureOf(get())).toBeInstanceOf(FormatError);
  });
});

describe('a model in the cache', () => {
  it('is not fetched again', async () => {
    await get();
    const before = hub.bodies().length;
    await get();
    expect(hub.bodies().length).toBe(before);
  });

  it('at a pinned commit needs no request at all', async () => {
    await get(`org/tiny@${COMMIT}`);
    const before = hub.requests.length;
    expect(await get(`org/tiny@${COMMIT}`)).toMatchObject({ commit: COMMIT, offline: true });
    expect(hub.requests.length).toBe(before);
  });

  it('serves without a network, and says so', async () => {
    const online = await get();
    const dead = { HF_ENDPOINT: 'http://127.0.0.1:1' };
    expect(await get('org/tiny', {}, dead)).toEqual({ ...online, offline: true });
    expect(await get('org/tiny', {}, { HF_HUB_OFFLINE: '1' })).toEqual({
      ...online,
      offline: true,
    });
  });

  it('fetches only what changed when the branch moves on', async () => {
    await get();
    hub.commit = 'decade'.padEnd(40, '1');
    hub.files.set('config.json', Buffer.from('{"model_type":"qwen2"}'));
    const before = hub.bodies().length;
    const { dir } = await get();
    expect(hub.bodies().slice(before)).toEqual([`/org/tiny/resolve/${hub.commit}/config.json`]);
    expect(readFileSync(join(dir, 'config.json'), 'utf8')).toContain('qwen2');
  });

  it('without a network and incomplete, says what is missing', async () => {
    const dead = { HF_ENDPOINT: 'http://127.0.0.1:1' };
    const never = await failureOf(get('org/tiny', {}, dead));
    expect(never).toBeInstanceOf(EngineError);
    expect(never.message).toMatch(/cannot be reached, and the cache lacks everything/);
    const { dir } = await get();
    rmSync(join(dir, 'model.safetensors'));
    const later = await failureOf(get('org/tiny', {}, { HF_HUB_OFFLINE: '1' }));
    expect(later.message).toMatch(/HF_HUB_OFFLINE is set, and the cache lacks model.safetensors/);
  });
});

describe('a torn transfer', () => {
  it('goes on where it stopped, within one call', async () => {
    hub.tear = { after: 1000, times: 3 };
    const { dir } = await get('org/tiny', { onProgress: (progress) => hub.breakOff(progress) });
    const ranges = hub.requests.flatMap(({ range }) => range ?? []);
    expect(ranges).toEqual(['bytes=1000-', 'bytes=2000-', 'bytes=3000-']);
    expect(readFileSync(join(dir, 'model.safetensors'))).toEqual(
      hub.files.get('model.safetensors'),
    );
  });

  it('goes on where it stopped, in a later call', async () => {
    hub.tear = { after: 5000, times: 1 };
    const controller = new AbortController();
    const stopped = get('org/tiny', {
      signal: controller.signal,
      onProgress: ({ file, bytes }) => {
        if (file === 'model.safetensors' && bytes > 3000) controller.abort();
      },
    });
    expect(await failureOf(stopped)).toBeInstanceOf(Cancelled);
    expect(incomplete().length).toBe(1);
    expect(existsSync(join(blobs(), sha256(hub.files.get('model.safetensors')!)))).toBe(false);
    const before = hub.requests.length;
    await get();
    const [range] = hub.requests.slice(before).flatMap((request) => request.range ?? []);
    expect(range).toMatch(/^bytes=[1-9]\d*-$/);
    expect(incomplete()).toEqual([]);
  });

  it('can be stopped at its very last byte', async () => {
    const whole = hub.files.get('model.safetensors')!.length;
    for (let round = 0; round < 20; round++) {
      rmSync(blobs(), { recursive: true, force: true });
      const controller = new AbortController();
      const stopped = get('org/tiny', {
        signal: controller.signal,
        onProgress: ({ file, bytes, totalBytes }) => {
          if (file === 'model.safetensors' && bytes === totalBytes) controller.abort();
          expect(bytes).toBeLessThanOrEqual(totalBytes);
        },
      });
      expect(await failureOf(stopped)).toBeInstanceOf(Cancelled);
    }
    const { dir } = await get();
    expect(readFileSync(join(dir, 'model.safetensors')).length).toBe(whole);
  });

  it('starts over where the server cannot resume', async () => {
    hub.ignoreRange = true;
    hub.tear = { after: 1000, times: 1 };
    const { dir } = await get('org/tiny', { onProgress: (progress) => hub.breakOff(progress) });
    expect(readFileSync(join(dir, 'model.safetensors'))).toEqual(
      hub.files.get('model.safetensors'),
    );
  });

  it('starts over where what was left is damaged', async () => {
    const whole = hub.files.get('model.safetensors')!;
    await get();
    rmSync(blobs(), { recursive: true });
    await get('org/tiny', {}, {}).then(() => rmSync(join(blobs(), sha256(whole))));
    const host = hostname().replace(/[^A-Za-z0-9]/g, '_');
    const left = join(blobs(), `${sha256(whole)}.assay-${host}-0-abcd1234.incomplete`);
    writeFileSync(left, Buffer.alloc(500, 9));
    const { dir } = await get();
    expect(readFileSync(join(dir, 'model.safetensors'))).toEqual(whole);
    expect(incomplete()).toEqual([]);
  });

  it('gives up after several attempts that bring nothing, and keeps what it has', async () => {
    hub.tear = { after: 0, times: 100 };
    const failure = await failureOf(get());
    expect(failure).toBeInstanceOf(EngineError);
    expect(failure.message).toMatch(/connection ended after 0 of \d+ bytes/);
    expect(failure.hint).toMatch(/goes on where it stopped/);
  });
});

describe('what goes wrong', () => {
  it('a wrong hash: nothing under the final name', async () => {
    hub.corrupt = 'model.safetensors';
    const failure = await failureOf(get());
    expect(failure).toBeInstanceOf(FormatError);
    expect(failure.message).toMatch(/model.safetensors: what arrived does not have the hash/);
    expect(existsSync(join(blobs(), sha256(hub.files.get('model.safetensors')!)))).toBe(false);
    expect(incomplete()).toEqual([]);
  });

  it('a wrong git hash of a small file too', async () => {
    hub.corrupt = 'tokenizer.json';
    expect((await failureOf(get())).message).toMatch(/tokenizer.json/);
  });

  it.each([401, 403])('HTTP %i: names HF_TOKEN, not the token', async (status) => {
    hub.status = status;
    const failure = await failureOf(get('org/tiny', {}, { HF_TOKEN: TOKEN }));
    expect(failure).toBeInstanceOf(EngineError);
    expect(failure.hint).toContain('HF_TOKEN');
    expect(JSON.stringify([failure.message, failure.details, failure.hint])).not.toContain(TOKEN);
  });

  it('HTTP 404: no such model or revision', async () => {
    hub.status = 404;
    const failure = await failureOf(get('org/tiny@v9'));
    expect(failure).toBeInstanceOf(UsageError);
    expect(failure.message).toContain('org/tiny@v9: not found');
  });

  it('an answer that is no hub at all', async () => {
    hub.commit = 'not-a-commit';
    expect(await failureOf(get())).toBeInstanceOf(FormatError);
  });

  it('an address or a token that cannot be one', async () => {
    const address = get('org/tiny', {}, { HF_ENDPOINT: 'ftp://u:p@x' });
    expect(await failureOf(address)).toBeInstanceOf(UsageError);
    const failure = await failureOf(get('org/tiny', {}, { HF_TOKEN: `${TOKEN}\n${TOKEN}` }));
    expect(failure).toBeInstanceOf(UsageError);
    expect(failure.message).not.toContain(TOKEN);
  });
});

describe('the token', () => {
  it('goes to the hub, not to the storage it redirects to, and into no file', async () => {
    const storage = new SmallHub();
    for (const [name, bytes] of hub.files) storage.files.set(name, bytes);
    await new Promise<void>((resolve) => storage.server.listen(0, '127.0.0.1', resolve));
    hub.redirectTo = storage.url;
    const { dir } = await get('org/tiny', {}, { HF_TOKEN: TOKEN });
    storage.server.close();
    storage.server.closeAllConnections();
    expect(hub.requests.every(({ auth }) => auth === `Bearer ${TOKEN}`)).toBe(true);
    expect(storage.requests.length).toBeGreaterThan(0);
    expect(storage.requests.every(({ auth }) => auth === undefined)).toBe(true);
    for (const name of readdirSync(blobs())) {
      expect(readFileSync(join(blobs(), name)).includes(TOKEN)).toBe(false);
    }
    expect(existsSync(dir)).toBe(true);
  });
});
