#!/usr/bin/env node
/** The command. Loads nothing but what the answer needs: `--version` must be instant. */
import { packageVersion } from './package.ts';

const args = process.argv.slice(2);
if (args.length === 1 && (args[0] === '--version' || args[0] === '-V')) {
  process.stdout.write(`${packageVersion()}\n`);
} else {
  const { main } = await import('./main.ts');
  process.exitCode = await main(args);
}
