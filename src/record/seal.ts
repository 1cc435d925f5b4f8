/**
 * Seals: what was true of all closed runs at one time, chained by hash. Nothing is locked: several
 * writers at once make several heads, and the next seal names them all as its parents.
 */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { makeDirectory, writeJsonAtomic } from './atomic.ts';
import { sha256Hex } from './canonical.ts';
import type { Lab } from './lab.ts';
import { manifestDigest } from './manifest.ts';
import { parseJson } from './parse-json.ts';
import { compactTime, type ProcessState, processState, randomName } from './process-state.ts';
import { readRegular } from './regular-file.ts';
import { listRuns } from './run-reader.ts';
import { SEAL_SCHEMA, type Seal, sealSchema } from './schema.ts';
import { storageError } from './storage-error.ts';

/** A seal as it lies on disk. */
export interface SealFile {
  /** Name in `seals/`. */
  readonly file: string;
  /** Of its bytes. */
  readonly sha256: string;
  /** null: the file is no seal any more. */
  readonly seal: Seal | null;
}

export interface WrittenSeal extends SealFile {
  readonly seal: Seal;
  /** False: nothing changed since the only head, which is returned. */
  readonly written: boolean;
}

/** Seals all closed runs as they are now. Throws StorageError. */
export function writeSeal(lab: Lab, state: ProcessState = processState()): WrittenSeal {
  const seals = readSeals(lab);
  const heads = headsOf(seals);
  const runs = currentDigests(lab);
  const [head] = heads;
  if (heads.length === 1 && head !== undefined && head.seal !== null) {
    const same = JSON.stringify(head.seal.runs) === JSON.stringify(runs);
    if (same) return { ...head, seal: head.seal, written: false };
  }
  const now = state.clock.now();
  const seal: Seal = {
    schema: SEAL_SCHEMA,
    sealedAt: now.toISOString(),
    runs,
    parents: heads.map(({ file, sha256 }) => ({ file, sha256 })),
  };
  const file = `${compactTime(now)}-${randomName(state.random, 6)}.json`;
  const path = join(lab.sealsDir, file);
  makeDirectory(lab.sealsDir);
  writeJsonAtomic(path, seal);
  return { file, sha256: sha256Hex(readRegular(path)), seal, written: true };
}

/** All files `*.json` in `seals/`, sorted by name (so by time). */
export function readSeals(lab: Lab): SealFile[] {
  return sealNames(lab).map((file) => {
    const bytes = readRegular(join(lab.sealsDir, file));
    return { file, sha256: sha256Hex(bytes), seal: parseSeal(bytes.toString('utf8')) };
  });
}

/** Seals that no other seal names as a parent. Keep their hashes elsewhere: they prove the rest. */
export function headsOf(seals: readonly SealFile[]): SealFile[] {
  const named = new Set(seals.flatMap(({ seal }) => seal?.parents.map((p) => p.file) ?? []));
  return seals.filter(({ file }) => !named.has(file));
}

/**
 * Digest of every closed run, sorted by runId: computed from the manifest's content, not read from
 * its `digest`, so that an edit that forgets the digest still counts as one.
 */
export function currentDigests(lab: Lab): Seal['runs'] {
  return listRuns(lab).flatMap((entry) =>
    entry.kind === 'closed' ? [{ runId: entry.runId, digest: manifestDigest(entry.raw) }] : [],
  );
}

function sealNames(lab: Lab): string[] {
  try {
    return readdirSync(lab.sealsDir)
      .filter((name) => name.endsWith('.json') && !name.startsWith('.'))
      .sort();
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw storageError({ doing: 'read', path: lab.sealsDir, cause });
  }
}

function parseSeal(text: string): Seal | null {
  try {
    return sealSchema.parse(parseJson(text));
  } catch {
    return null;
  }
}
