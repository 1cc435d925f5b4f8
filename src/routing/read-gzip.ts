/** Compressed JSON lines: unpacked by the runtime's own threads while blocks are counted. */
import { createReadStream } from 'node:fs';
import { createGunzip } from 'node:zlib';
import { LimitError } from '../record/errors.ts';
import { BlockScanner } from './block-scanner.ts';
import type { Reading } from './read-jsonl.ts';
import { MAX_LINE_BYTES } from './scan-range.ts';
import type { ProblemLog } from './trace-problem.ts';

const CHUNK_BYTES = 1 << 20;

/** A stream that ends early is a problem of its last line; what came before it is read. */
export async function readGzip(reading: Reading, problems: ProblemLog): Promise<void> {
  const { path, topK, receiver, signal } = reading;
  const scanner = new BlockScanner(topK);
  const at = { before: 0, mapping: [] };
  const source = createReadStream(path, { highWaterMark: CHUNK_BYTES });
  const unpacked = source.pipe(createGunzip({ chunkSize: CHUNK_BYTES }));
  source.on('error', (error) => unpacked.destroy(error));
  let held = 0;
  let failure: Error | null = null;
  try {
    for await (const chunk of unpacked as AsyncIterable<Buffer>) {
      scanner.reach(held + chunk.length);
      chunk.copy(scanner.input, held);
      const to = held + chunk.length;
      let from = 0;
      for (;;) {
        from = scanner.scan({ from, to });
        if (!scanner.isFull) break;
        receiver.receive(scanner.take(), at);
      }
      scanner.input.copyWithin(0, from, to);
      held = to - from;
      if (held > MAX_LINE_BYTES) {
        throw new LimitError(`${path}: a line is longer than ${MAX_LINE_BYTES} bytes`);
      }
      reading.onProgress(source.bytesRead);
      signal.throwIfAborted();
    }
  } catch (error) {
    if (!isOfZlib(error)) throw error;
    failure = error;
  } finally {
    source.destroy();
  }
  if (failure === null) scanner.finish({ from: 0, to: held });
  receiver.receive(scanner.take(), at);
  if (failure === null) return;
  problems.add(scanner.line + 1, 'torn', `the gzip stream ends early: ${failure.message}`);
}

function isOfZlib(error: unknown): error is Error {
  return /^Z_/.test((error as NodeJS.ErrnoException).code ?? '');
}
