/**
 * Root may do anything, so that a test of permissions proves nothing when root runs it. It runs as
 * another user then: the effective user of this process, for as long as the test's body takes.
 */
import { chownSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const NOBODY = 65_534;

/** A folder of the user that permissions apply to, who `act` runs as. */
export async function unprivileged(act: (folder: string) => Promise<void>): Promise<void> {
  const isRoot = process.geteuid?.() === 0;
  const folder = mkdtempSync(join(tmpdir(), 'assay-permissions-'));
  if (isRoot) {
    chownSync(folder, NOBODY, NOBODY);
    process.setegid?.(NOBODY);
    process.seteuid?.(NOBODY);
  }
  try {
    await act(folder);
  } finally {
    if (isRoot) {
      process.seteuid?.(0);
      process.setegid?.(0);
    }
    rmSync(folder, { recursive: true, force: true });
  }
}
