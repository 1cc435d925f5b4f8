/** The high-water mark of this process' memory, started anew. */
import { writeFileSync } from 'node:fs';

/**
 * Sets VmHWM to what is resident now, so that the peak of one batch size is its own and not that
 * of loading the model. False where the system does not allow it: the peak then counts from the
 * start of the process.
 */
export function resetPeakMemory(): boolean {
  try {
    writeFileSync('/proc/self/clear_refs', '5');
    return true;
  } catch {
    return false;
  }
}
