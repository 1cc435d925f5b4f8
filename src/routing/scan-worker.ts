/** A thread that turns parts of a file into columns: every `step`-th part, in order. */
import { closeSync, openSync } from 'node:fs';
import { parentPort, workerData } from 'node:worker_threads';
import type { FilledBlock } from './block-builder.ts';
import { BlockScanner } from './block-scanner.ts';
import { RANGE_BYTES, scanRange } from './scan-range.ts';

export interface ScanTask {
  readonly path: string;
  readonly bytes: number;
  readonly topK: number;
  readonly first: number;
  readonly step: number;
}

export type ScanMessage =
  | {
      readonly block: FilledBlock;
      /** Lines of the part, once it is done; else null. */
      readonly lines: number | null;
    }
  | { readonly failed: string };

/** Blocks that may wait to be counted. */
const BLOCKS_AHEAD = 4;

const port = parentPort;
if (port !== null) await serve(workerData as ScanTask);

async function serve({ path, bytes, topK, first, step }: ScanTask): Promise<void> {
  if (port === null) return;
  const pool: ArrayBuffer[] = [];
  let wake: () => void = () => {};
  port.on('message', (buffer: ArrayBuffer) => {
    pool.push(buffer);
    wake();
  });
  let made = 1;
  const nextBuffer = async (): Promise<ArrayBuffer | undefined> => {
    if (pool.length === 0 && made++ < BLOCKS_AHEAD) return undefined;
    while (pool.length === 0) {
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
    return pool.pop();
  };
  const descriptor = openSync(path, 'r');
  try {
    const scanner = new BlockScanner(topK);
    const file = { descriptor, path, bytes };
    for (let start = first * RANGE_BYTES; start < bytes; start += step * RANGE_BYTES) {
      const end = Math.min(start + RANGE_BYTES, bytes);
      for (const isEnd of scanRange(file, { start, end }, scanner)) {
        const lines = isEnd ? scanner.line : null;
        const block = scanner.take(await nextBuffer());
        port.postMessage({ block, lines } satisfies ScanMessage, [block.columns.buffer]);
      }
    }
  } catch (error) {
    port.postMessage({ failed: (error as Error).message } satisfies ScanMessage);
  } finally {
    closeSync(descriptor);
    port.close();
  }
}
