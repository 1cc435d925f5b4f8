import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** Every model on it is at this commit unless a test moves it. */
export const COMMIT = 'c0ffee'.padEnd(40, '0');

/**
 * The HTTP endpoints of a hub with one model, `org/tiny`, on a real socket, and the misbehaviour
 * that a test asks for.
 */
export class SmallHub {
  readonly files = new Map<string, Buffer>();
  readonly requests: { path: string; range: string | undefined; auth: string | undefined }[] = [];
  commit = COMMIT;
  status = 0;
  /** Breaks off each longer body after so many bytes, so many times. */
  tear = { after: 0, times: 0 };
  /** The body being broken off, and the offset in its file that it reaches. */
  torn: { response: ServerResponse; at: number } | null = null;
  corrupt = '';
  ignoreRange = false;
  redirectTo = '';

  /** For onProgress: cuts the connection once the client has what it shall have. */
  breakOff({ bytes, totalBytes }: { bytes: number; totalBytes: number }): void {
    const others = totalBytes - this.files.get('model.safetensors')!.length;
    if (this.torn === null || bytes - others < this.torn.at) return;
    this.torn.response.destroy();
    this.torn = null;
  }

  server: Server = createServer((request, response) => this.answer(request, response));

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  bodies(): string[] {
    return this.requests.filter(({ path }) => path.includes('/resolve/')).map(({ path }) => path);
  }

  answer(request: IncomingMessage, response: ServerResponse): void {
    const path = request.url!.replace(/\?.*/, '');
    const { range, authorization: auth } = request.headers;
    this.requests.push({ path, range, auth });
    if (this.status !== 0) {
      response.writeHead(this.status, { 'content-type': 'application/json' });
      response.end('{"error":"no"}');
    } else if (path.startsWith('/api/models/org/tiny/revision/')) {
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify({ id: 'org/tiny', _id: '1', sha: this.commit }));
    } else if (path === `/api/models/org/tiny/tree/${this.commit}`) {
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify(this.tree()));
    } else if (path.startsWith('/org/tiny/resolve/') && this.redirectTo !== '') {
      response.writeHead(302, { location: `${this.redirectTo}${path}` }).end();
    } else if (path.startsWith(`/org/tiny/resolve/${this.commit}/`)) {
      this.send(path.split('/').at(-1)!, range, response);
    } else {
      response.writeHead(404).end();
    }
  }

  tree(): unknown[] {
    return [...this.files].map(([path, bytes]) => {
      const entry = { type: 'file', path, size: bytes.length, oid: gitHash(bytes) };
      if (!path.endsWith('.safetensors')) return entry;
      return { ...entry, oid: '1'.repeat(40), lfs: { oid: sha256(bytes), size: bytes.length } };
    });
  }

  send(name: string, range: string | undefined, response: ServerResponse): void {
    const whole = this.files.get(name)!;
    const content = this.corrupt === name ? Buffer.alloc(whole.length, 7) : whole;
    const start = this.ignoreRange ? 0 : Number(/^bytes=(\d+)-$/.exec(range ?? '')?.[1] ?? 0);
    const body = content.subarray(start);
    response.writeHead(start > 0 ? 206 : 200, {
      'content-length': body.length,
      etag: `"${sha256(whole)}"`,
      ...(start > 0 && { 'content-range': `bytes ${start}-${whole.length - 1}/${whole.length}` }),
    });
    if (this.tear.times > 0 && body.length > this.tear.after) {
      this.tear.times -= 1;
      if (this.tear.after === 0) return void response.destroy();
      // Not cut before the client has seen these bytes: a broken stream drops what it has queued.
      response.write(body.subarray(0, this.tear.after));
      this.torn = { response, at: start + this.tear.after };
    } else {
      response.end(body);
    }
  }
}

export const sha256 = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');
const gitHash = (bytes: Buffer) =>
  createHash('sha1').update(`blob ${bytes.length}\0`).update(bytes).digest('hex');
