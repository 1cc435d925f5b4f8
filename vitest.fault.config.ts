import { defineConfig } from 'vitest/config';

/** Full disks, killed processes, races: one file after the other, because they take machines. */
export default defineConfig({
  test: {
    include: ['test/fault/**/*.test.ts'],
    testTimeout: 120_000,
    hookTimeout: 60_000,
    pool: 'forks',
    fileParallelism: false,
  },
});
