import { defineConfig } from 'vitest/config';

/** Everything but the fault tests, which take minutes and have a configuration of their own. */
export default defineConfig({
  test: {
    include: ['src/**/*.test.ts', 'test/**/*.test.ts', 'scripts/**/*.test.ts'],
    exclude: ['test/browser/**', 'test/fault/**'],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    pool: 'forks',
    // The default leaves a core to vitest itself; most tests wait for a process of their own.
    maxWorkers: 2,
  },
});
