/** Whatever a user puts on a command line, a run directory must not repeat a secret of it. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { captureVariables } from '../../src/record/environment.ts';
import { createRun } from '../../src/record/run-writer.ts';
import { perplexity, runFields, stillState, temporaryLab } from './recorded-run.ts';

// Made up here; each has the shape of its kind.
const letters = 'aB3dE5gH7jK9mN1pQ2sT4vW6yZ8xC0fG';
const SHAPED = [
  `hf_${letters}`,
  `sk-${letters}`,
  `sk-ant-api03-${letters}`,
  `ghp_${letters}`,
  `github_pat_${letters}`,
  `xoxb-123-${letters}`,
  'AKIAABCDEFGH12345678',
  `AIza${letters}abc`,
  `eyJ${letters}.eyJ${letters}.${letters}`,
];

/** All bytes under a directory, names included. */
function everything(directory: string): string {
  return readdirSync(directory, { withFileTypes: true, recursive: true })
    .map((entry) => {
      const path = join(entry.parentPath, entry.name);
      return `${path}\n${entry.isFile() ? readFileSync(path, 'latin1') : ''}`;
    })
    .join('\n');
}

const character = fc.constantFrom(
  ...'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.~+/!*',
);
const secretText = fc
  .array(character, { minLength: 12, maxLength: 40 })
  .map((all) => `Q${all.join('')}7`);
const urlSafe = secretText.map((secret) => secret.replaceAll(/[^A-Za-z0-9._~-]/g, 'x'));

/** A secret, and a place where it stands: argv, environment, URL, header. */
interface Planted {
  secret: string;
  argv: string[];
  env: Record<string, string>;
}
const planted: fc.Arbitrary<Planted> = fc.oneof(
  fc
    .tuple(secretText, fc.constantFrom('--api-key', '--token', '--hf-token', '--password'))
    .chain(([secret, flag]) =>
      fc.constantFrom<Planted[]>(
        { secret, argv: [flag, secret], env: {} },
        { secret, argv: [`${flag}=${secret}`], env: {} },
        { secret, argv: ['-H', `Authorization: Bearer ${secret}`], env: {} },
        { secret, argv: [`--header=x-api-key: ${secret}`], env: {} },
      ),
    ),
  fc
    .tuple(secretText, fc.constantFrom('HF_TOKEN', 'OPENAI_API_KEY', 'MYSECRET', 'DB_PASSWORD'))
    .map(([secret, name]) => ({
      secret,
      argv: [secret, `x${secret}y`, `--model=${encodeURIComponent(secret)}`],
      env: { [name]: secret, NODE_OPTIONS: `--title=${secret}` },
    })),
  urlSafe.chain((secret) =>
    fc.constantFrom<Planted[]>(
      { secret, argv: [`https://user:${secret}@host/v1`], env: {} },
      { secret, argv: [`--base-url=http://host/v1?a=1&api_key=${secret}&b=2`], env: {} },
      { secret, argv: ['--base-url', `http://host/?token=${secret}`], env: {} },
    ),
  ),
  fc
    .constantFrom(...SHAPED)
    .map((secret) => ({ secret, argv: ['--note', `(${secret})`], env: {} })),
);

describe('a run directory', () => {
  it('never holds a secret, wherever that stood', async () => {
    await fc.assert(
      fc.asyncProperty(planted, fc.nat({ max: 3 }), async ({ secret, argv, env }, at) => {
        const lab = temporaryLab();
        try {
          const words = ['assay', 'run', 'e.yaml'];
          words.splice(at, 0, ...argv);
          const told = argv.join(' ');
          const fields = runFields({ argv: words, config: { command: words, nested: [{ told }] } });
          fields.experiment = `e ${told}`;
          fields.cell = told;
          fields.variant = { model: told, scheme: 'f32' };
          fields.environment = { ...fields.environment, variables: captureVariables(env) };
          const run = createRun(lab, fields, stillState({ env }));
          const whileRunning = everything(lab.root);
          await run.close({
            status: 'failed',
            reason: `the engine said: ${told}`,
            summary: { metrics: { p: { ...perplexity, reason: told, params: { told } } } },
            findings: [{ code: 'x', severity: 'error', message: told, evidence: { [told]: told } }],
          });
          for (const bytes of [whileRunning, everything(lab.root)]) {
            expect(bytes).not.toContain(secret);
            expect(bytes).not.toContain(encodeURIComponent(secret));
          }
        } finally {
          lab.remove();
        }
      }),
      { numRuns: 100 },
    );
  });
});
