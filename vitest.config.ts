import { defineConfig } from 'vitest/config';

/** Unit tests beside the code, plus golden and corpus tests; `test/e2e` and `test/fault` run dist. */
export default defineConfig({
  test: {
    include: ['src/**/*.test.ts', 'test/**/*.test.ts', 'scripts/**/*.test.ts'],
    exclude: ['test/browser/**', 'test/fault/**'],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    pool: 'forks',
  },
});
