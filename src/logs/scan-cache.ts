/**
 * What was found in files that have not changed since: disposable, and never trusted for a file
 * that was written in the seconds before it was read (its next change could leave no trace).
 */
import { readFileSync } from 'node:fs';
import { writeFileVolatile } from '../record/atomic.ts';
import { sha256Hex } from '../record/canonical.ts';
import { DIALECTS } from './dialects.ts';
import type { Candidate } from './find-logs.ts';
import type { ScanResult } from './index-logs.ts';

/** Raise it with every change of what a scan finds. */
const VERSION = 'assay.logs-cache/1';
/** Time stamps of file systems are this coarse, two seconds on the worst. */
export const RACY_MS = 2500;

interface Entry {
  readonly stamp: string;
  readonly result: ScanResult;
}

interface Stored {
  readonly version: string;
  readonly entries: Readonly<Record<string, Entry>>;
}

export class ScanCache {
  readonly #version: string;
  readonly #old: ReadonlyMap<string, Entry>;
  readonly #new = new Map<string, Entry>();
  readonly #nowMs: () => number;
  #changed = false;

  /** `path`: null for an empty one. `assay`: the version; another may find something else. */
  constructor(path: string | null, assay: string, nowMs: () => number = Date.now) {
    this.#nowMs = nowMs;
    const dialects = DIALECTS.map(({ name, needles }) => `${name}:${needles.join('\0')}`);
    this.#version = `${VERSION} ${assay} ${sha256Hex(dialects.join('\n'))}`;
    this.#old = path === null ? new Map() : load(path, this.#version);
  }

  get({ path, stamp }: Candidate): ScanResult | undefined {
    const entry = this.#old.get(path);
    if (entry === undefined || entry.stamp !== stamp) return undefined;
    this.#new.set(path, entry);
    return entry.result;
  }

  put({ path, stamp, modifiedMs }: Candidate, result: ScanResult): void {
    this.#changed = true;
    if (this.#nowMs() - modifiedMs < RACY_MS) return;
    if (result !== null && 'scan' in result && result.findings.length > 0) return;
    this.#new.set(path, { stamp, result });
  }

  /** Nothing is written when nothing changed. */
  save(path: string): void {
    if (!this.#changed && this.#new.size === this.#old.size) return;
    const stored: Stored = { version: this.#version, entries: Object.fromEntries(this.#new) };
    writeFileVolatile(path, JSON.stringify(stored));
  }
}

function load(path: string, version: string): ReadonlyMap<string, Entry> {
  try {
    const stored = JSON.parse(readFileSync(path, 'utf8')) as Stored;
    return stored.version === version ? new Map(Object.entries(stored.entries)) : new Map();
  } catch {
    return new Map();
  }
}
