/** Talks to one hub: its address, the token, and what a repository holds at a revision. */
import { AssayError, FormatError, UsageError } from '../record/errors.ts';
import { COMMIT } from './hub-cache.ts';
import { hubFailure } from './hub-failure.ts';
import type { HubId } from './hub-id.ts';
import type { RemoteFile } from './hub-transfer.ts';

/** @throws UsageError if it is no http(s) address or holds a user name or password */
export function endpointOf(text: string | undefined): string {
  const address = text || 'https://huggingface.co';
  const url = URL.canParse(address) ? new URL(address) : null;
  if (url === null || !/^https?:$/.test(url.protocol) || url.username + url.password !== '') {
    throw new UsageError('HF_ENDPOINT is not the address of a hub', {
      hint: 'set it to something like https://huggingface.co, without user name and password',
    });
  }
  return url.href.replace(/\/+$/, '');
}

export interface HubAccess {
  readonly endpoint: string;
  readonly token: string | undefined;
  readonly signal: AbortSignal | undefined;
}

/**
 * A fetch that adds the token to requests to the hub itself, never to the storage that it redirects
 * to, and that the signal stops.
 * @throws UsageError (without the token) if the token cannot be sent in a header
 */
export function hubFetch(
  plain: typeof fetch,
  { endpoint, token, signal }: HubAccess,
): typeof fetch {
  const secret = token?.trim() ?? '';
  if (!/^[\x21-\x7e]*$/.test(secret)) {
    throw new UsageError('HF_TOKEN holds characters that no token has', {
      hint: 'set it again, without quotes or line breaks',
    });
  }
  const { origin } = new URL(endpoint);
  return (input, init) => {
    const url = new URL(input instanceof Request ? input.url : input);
    const headers = new Headers(init?.headers);
    if (secret !== '' && url.origin === origin) headers.set('authorization', `Bearer ${secret}`);
    return plain(input, { ...init, headers, signal: signal ?? null });
  };
}

/** True where the hub was not reached at all, as opposed to: it answered something unwelcome. */
export function isUnreachable(error: unknown): boolean {
  // fetch reports every failure below HTTP (refused, reset, unknown host) as a TypeError with a
  // cause.
  return error instanceof TypeError && error.cause !== undefined;
}

export interface RepoListing {
  readonly commit: string;
  /** Files of the top folder, by name. */
  readonly files: ReadonlyMap<string, RemoteFile>;
}

/** @throws UsageError, EngineError or FormatError; TypeError where the hub cannot be reached */
export async function listRepo(
  id: HubId,
  { endpoint, fetch }: { endpoint: string; fetch: typeof globalThis.fetch },
): Promise<RepoListing> {
  const hub = await import('@huggingface/hub');
  const asked = { hubUrl: endpoint, fetch };
  try {
    const { name, revision } = id;
    const { sha: commit } = await hub.modelInfo({
      ...asked,
      name,
      revision,
      additionalFields: ['sha'],
    });
    if (!COMMIT.test(commit)) throw oddAnswer(id, `"${commit}" is not a commit`);
    const files = new Map<string, RemoteFile>();
    for await (const entry of hub.listFiles({ ...asked, repo: name, revision: commit })) {
      // A name becomes a path in the cache: nothing that could lead out of it.
      if (entry.type !== 'file' || /[/\\:]/.test(entry.path)) continue;
      const url = `${endpoint}/${name}/resolve/${commit}/${encodeURIComponent(entry.path)}`;
      const hash = entry.lfs?.oid ?? (entry.xetHash === undefined ? entry.oid : undefined) ?? '';
      files.set(entry.path, { path: entry.path, url, bytes: entry.size, hash });
    }
    return { commit, files };
  } catch (error) {
    if (error instanceof AssayError || isUnreachable(error)) throw error;
    if (error instanceof hub.HubApiError) {
      const { statusCode: status } = error;
      throw hubFailure(`${id.name}@${id.revision}`, { url: `${endpoint}/${id.name}`, status });
    }
    throw oddAnswer(id, error instanceof Error ? error.message : String(error));
  }
}

export function oddAnswer({ name }: HubId, what: string): FormatError {
  return new FormatError(`${name}: the hub's answer makes no sense: ${what}`, {
    hint: 'check that HF_ENDPOINT is the address of a hub',
    details: { got: what },
  });
}
