/** Counts tests in vitest's JSON report, and what failed beside them. */
export interface Report {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly numPendingTests: number;
  readonly numTodoTests: number;
  readonly testResults: readonly {
    readonly status: string;
    readonly assertionResults: readonly { readonly status: string }[];
  }[];
}

export interface TestCount {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
  /** 0 only where something passed and nothing failed. */
  readonly exitCode: number;
}

/** `report` null: there was none. `vitestCode` is vitest's own exit code. */
export function countTests(report: Report | null, vitestCode: number): TestCount {
  const passed = report?.numPassedTests ?? 0;
  const skipped = (report?.numPendingTests ?? 0) + (report?.numTodoTests ?? 0);
  let failed = report?.numFailedTests ?? 0;
  for (const file of report?.testResults ?? []) {
    // A file that failed without a failed test could not be loaded, or a hook of it failed.
    const blamed = file.assertionResults.some((test) => test.status === 'failed');
    if (file.status === 'failed' && !blamed) failed++;
  }
  // Failed for a reason that no test has: an error outside of all tests, or vitest itself.
  if (vitestCode !== 0 && failed === 0) failed = 1;
  return { passed, failed, skipped, exitCode: failed > 0 || passed === 0 ? 1 : 0 };
}
