import { describe, expect, it } from 'vitest';
import { runSteps, type Step } from '../../scripts/steps.ts';

/** A step that is a real process running this JavaScript. */
function step(name: string, code: string, needs: string[] = []): Step {
  return { name, command: process.execPath, args: ['-e', code], needs };
}

async function run(steps: readonly Step[], atOnce = 2) {
  const printed: string[] = [];
  let clock = 0;
  const outcomes = await runSteps({
    steps,
    atOnce,
    cwd: import.meta.dirname,
    env: process.env,
    print: (line) => printed.push(line),
    now: () => (clock += 100),
  });
  return { outcomes: Object.fromEntries(outcomes), printed };
}

describe('steps', () => {
  it('tells of each step in one line with its time', async () => {
    const { outcomes, printed } = await run([step('a', 'console.log("quiet")')]);
    expect(outcomes).toEqual({ a: 'passed' });
    expect(printed).toEqual(['ok   a    0.1 s']);
  });

  it('shows what a failing step wrote, and runs the others', async () => {
    const failing = step('a', 'console.log("out"); console.error("err"); process.exitCode = 3');
    const { outcomes, printed } = await run([failing, step('b', '')], 1);
    expect(outcomes).toEqual({ a: 'failed', b: 'passed' });
    expect(printed[0]).toContain('FAIL a');
    expect(printed[0]).toContain('exit code 3');
    expect(printed.slice(1, 3).sort()).toEqual(['     err', '     out']);
  });

  it('does not run what needs a step that failed', async () => {
    const steps = [step('c', '', ['b']), step('b', '', ['a']), step('a', 'process.exit(1)')];
    const { outcomes } = await run(steps);
    expect(outcomes).toEqual({ a: 'failed', b: 'not run', c: 'not run' });
  });

  it('takes a need that is not among the steps for fulfilled', async () => {
    expect((await run([step('a', '', ['left-out'])])).outcomes).toEqual({ a: 'passed' });
  });

  it('fails a step that cannot start or is killed', async () => {
    const lost: Step = { name: 'lost', command: 'no-such-command-here', args: [] };
    const killed = step('killed', 'process.kill(process.pid, "SIGKILL")');
    const { outcomes, printed } = await run([lost, killed]);
    expect(outcomes).toEqual({ lost: 'failed', killed: 'failed' });
    expect(printed.join('\n')).toMatch(/could not start.*ENOENT/);
    expect(printed.join('\n')).toContain('ended with SIGKILL');
  });

  it('refuses steps that wait for each other', async () => {
    await expect(run([step('a', '', ['b']), step('b', '', ['a'])])).rejects.toThrow(
      /wait for each/,
    );
  });
});
