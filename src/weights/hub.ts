/**
 * Models from a hub, into the cache that Hugging Face tools share. Listing is done by
 * @huggingface/hub; transferring is ours, because the library neither resumes nor verifies.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { AssayError, Cancelled, EngineError, FormatError } from '../record/errors.ts';
import { endpointOf, hubFetch, isUnreachable, listRepo, oddAnswer } from './hub-api.ts';
import {
  COMMIT,
  cachedCommit,
  linkBlob,
  missingFrom,
  type RepoCache,
  rememberCommit,
  repoCache,
  shardsOf,
  sizeOf,
} from './hub-cache.ts';
import { type HubId, parseHubId } from './hub-id.ts';
import { type RemoteFile, transfer } from './hub-transfer.ts';

export interface HubProgress {
  /** The file now arriving. */
  readonly file: string;
  /** Of all files of the model, those already in the cache included. */
  readonly bytes: number;
  readonly totalBytes: number;
}

export interface HubOptions {
  /** Default: HF_HUB_CACHE, HF_HOME/hub, or ~/.cache/huggingface/hub. */
  readonly cacheDir?: string;
  /** The environment: HF_TOKEN, HF_ENDPOINT, HF_HUB_OFFLINE. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly fetch?: typeof fetch;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: HubProgress) => void;
  readonly retryDelayMs?: number;
}

export interface HubModel {
  /** `org/name`. */
  readonly name: string;
  /** As asked for. */
  readonly revision: string;
  /** The commit that it stood for. */
  readonly commit: string;
  /** The snapshot: a directory for openCheckpoint. */
  readonly dir: string;
  /** True if the hub was not asked, so that a branch may have moved on. */
  readonly offline: boolean;
}

const SINGLE = 'model.safetensors';
const INDEX = 'model.safetensors.index.json';
const COMPANIONS: readonly RegExp[] = [
  /^(config|generation_config|special_tokens_map|added_tokens|vocab|tokenizer[^/\\]*)\.json$/,
  /^(merges\.txt|tokenizer\.model|chat_template\.jinja)$/,
];

/** Everything needed to talk to one hub about one model. */
interface Repo {
  readonly id: HubId;
  readonly endpoint: string;
  readonly fetch: typeof fetch;
  readonly cache: RepoCache;
  readonly options: HubOptions;
}

/**
 * Makes sure that a model is in the cache. A pinned commit that is there needs no network; a branch
 * is asked for once, and without a network what it last stood for is used.
 * @param text `org/name` or `org/name@revision`
 * @throws UsageError (no such model), EngineError (hub out of reach, access refused),
 * FormatError (no safetensors, or a file whose hash is wrong), Cancelled
 */
export async function fetchModel(text: string, options: HubOptions = {}): Promise<HubModel> {
  const id = parseHubId(text);
  const env = options.env ?? process.env;
  const { getHFHubCachePath } = await import('@huggingface/hub');
  const cache = repoCache(options.cacheDir ?? getHFHubCachePath(), id);
  const endpoint = endpointOf(env.HF_ENDPOINT);
  const access = { endpoint, token: env.HF_TOKEN, signal: options.signal };
  const fetch = hubFetch(options.fetch ?? globalThis.fetch, access);
  const repo: Repo = { id, endpoint, fetch, cache, options };
  const forbidden = /^(1|true|yes|on)$/i.test(env.HF_HUB_OFFLINE ?? '');
  try {
    if (forbidden) return await fromCache(repo, null);
    if (COMMIT.test(id.revision) && (await isWhole(join(cache.snapshots, id.revision)))) {
      return await fromCache(repo, null);
    }
    return await fromHub(repo);
  } catch (error) {
    if (options.signal?.aborted) throw new Cancelled();
    if (error instanceof AssayError) throw error;
    if (!isUnreachable(error)) throw error;
    return fromCache(repo, error);
  }
}

/** Weights, config and a tokenizer: nothing that the hub could add. */
async function isWhole(snapshot: string): Promise<boolean> {
  if ((await missingFrom(snapshot)).length > 0) return false;
  return (await sizeOf(join(snapshot, 'tokenizer.json'))) >= 0;
}

async function fromCache({ id, cache, endpoint }: Repo, cause: unknown): Promise<HubModel> {
  const commit = await cachedCommit(cache, id.revision);
  const dir = commit === null ? null : join(cache.snapshots, commit);
  const missing = dir === null ? ['everything'] : await missingFrom(dir);
  if (commit === null || dir === null || missing.length > 0) {
    const why = cause === null ? 'HF_HUB_OFFLINE is set' : `${endpoint} cannot be reached`;
    throw new EngineError(
      `${id.name}@${id.revision}: ${why}, and the cache lacks ${missing.join(', ')}`,
      {
        hint: 'connect once to fetch the model, or name a directory that holds it',
        details: { url: endpoint, missing, retryable: true },
        cause: cause ?? undefined,
      },
    );
  }
  return { ...id, commit, dir, offline: true };
}

async function fromHub(repo: Repo): Promise<HubModel> {
  const { id, cache } = repo;
  const { commit, files } = await listRepo(id, repo);
  const dir = join(cache.snapshots, commit);
  const wanted = await chooseFiles(repo, { dir, files });
  await fetchFiles(repo, { dir, wanted });
  await rememberCommit(cache, { revision: id.revision, commit });
  return { ...id, commit, dir, offline: false };
}

/** Config, tokenizer and weights; the small files first, so that weights mean a whole model. */
async function chooseFiles(
  repo: Repo,
  { dir, files }: { dir: string; files: ReadonlyMap<string, RemoteFile> },
): Promise<RemoteFile[]> {
  const companions = [...files.values()].filter(({ path }) =>
    COMPANIONS.some((pattern) => pattern.test(path)),
  );
  const single = files.get(SINGLE);
  if (single !== undefined) return [...companions, single];
  const index = files.get(INDEX);
  if (index === undefined) {
    const { name, revision } = repo.id;
    throw new FormatError(`${name}@${revision} has neither ${SINGLE} nor ${INDEX}`, {
      hint: 'choose a model, or a revision of it, that is stored as safetensors',
      details: { expected: [SINGLE, INDEX], got: [...files.keys()].slice(0, 50) },
    });
  }
  await fetchFiles(repo, { dir, wanted: [index], quiet: true });
  const names = shardsOf(await readFile(join(dir, INDEX), 'utf8'));
  const shards = names.map((name) => {
    const shard = files.get(name);
    if (shard === undefined) throw oddAnswer(repo.id, `${INDEX} names ${name}, which is not there`);
    return shard;
  });
  return [...companions, index, ...shards];
}

async function fetchFiles(
  { id, cache, fetch, options }: Repo,
  { dir, wanted, quiet }: { dir: string; wanted: readonly RemoteFile[]; quiet?: boolean },
): Promise<void> {
  const totalBytes = wanted.reduce((sum, { bytes }) => sum + bytes, 0);
  let done = 0;
  for (const file of wanted) {
    const report = (bytes: number) => {
      if (!quiet) options.onProgress?.({ file: file.path, bytes: done + bytes, totalBytes });
    };
    if (!/^([0-9a-f]{40}|[0-9a-f]{64})$/.test(file.hash)) {
      throw oddAnswer(id, `no hash for ${file.path}`);
    }
    const pointer = join(dir, file.path);
    const blob = join(cache.blobs, file.hash);
    if ((await sizeOf(pointer)) !== file.bytes) {
      if ((await sizeOf(blob)) !== file.bytes) {
        const { signal, retryDelayMs = 500 } = options;
        const { blobs } = cache;
        await transfer(file, { blobs, fetch, signal, onBytes: report, retryDelayMs });
      }
      await linkBlob(pointer, blob);
    }
    report(file.bytes);
    done += file.bytes;
  }
}
