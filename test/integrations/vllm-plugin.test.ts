/** The Python tests of the vLLM plugin, with the machine's own Python; they need no packages. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

const cwd = join(import.meta.dirname, '../../integrations/vllm');
const asked = spawnSync('python3', ['-c', 'import sys; print(sys.version_info >= (3, 10))'], {
  encoding: 'utf8',
});
const hasPython = asked.stdout?.trim() === 'True';
if (!hasPython) console.log('skipped: no python3 of 3.10 or later on this machine');

describe.skipIf(!hasPython)('the vLLM plugin', () => {
  it('passes its tests on stubs of vLLM', () => {
    const args = ['-B', '-m', 'unittest', 'discover', '-s', 'tests'];
    const { status, stderr } = spawnSync('python3', args, { cwd, encoding: 'utf8' });
    expect(stderr).toMatch(/Ran \d\d tests/);
    expect({ status, stderr }).toMatchObject({ status: 0 });
  });
});
