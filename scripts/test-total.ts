/**
 * Sums the JSON reports of test runs: `tsx scripts/test-total.ts REPORT…` ends with the one line
 * `N passed, N failed`. A report that is missing or unreadable counts as one failure, and so does
 * a test file that broke before its first test: neither may look like success.
 */
import { readFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';

interface TestReport {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly numPendingTests: number;
  readonly numTodoTests: number;
  readonly success: boolean;
  readonly testResults: readonly {
    readonly status: string;
    readonly assertionResults: readonly { readonly status: string }[];
  }[];
}

export interface TestTotal {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

export function totalOf(paths: readonly string[]): TestTotal {
  let [passed, failed, skipped] = [0, 0, 0];
  for (const path of paths) {
    const report = readReport(path);
    if (report === null) {
      failed += 1;
      continue;
    }
    const broken = report.testResults.filter(
      (file) =>
        file.status === 'failed' && !file.assertionResults.some((one) => one.status === 'failed'),
    ).length;
    const failures = report.numFailedTests + broken;
    // An error outside of any test (an unhandled rejection) only shows in `success`.
    failed += failures === 0 && !report.success ? 1 : failures;
    passed += report.numPassedTests;
    skipped += report.numPendingTests + report.numTodoTests;
  }
  return { passed, failed, skipped };
}

function readReport(path: string): TestReport | null {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as TestReport;
  } catch {
    return null;
  }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const total = totalOf(process.argv.slice(2));
  if (total.skipped > 0) console.log(`${total.skipped} skipped`);
  console.log(`${total.passed} passed, ${total.failed} failed`);
  process.exitCode = total.failed > 0 || total.passed === 0 ? 1 : 0;
}
