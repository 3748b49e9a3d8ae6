/**
 * What a test needs of the machine and may not find there. Such a test is skipped, and says so; where RAINBOW_REQUIRE
 * names the need (a comma-separated list, set by `.ci/run`) it fails instead.
 */

/** `missing`: why it is not there, or null where it is. Answers whether the test has to be skipped. */
export function skipWithout(need: string, missing: string | null): boolean {
  if (missing === null) return false;
  if ((process.env['RAINBOW_REQUIRE'] ?? '').split(',').includes(need)) {
    throw new Error(`${need} is required here (RAINBOW_REQUIRE) but is missing: ${missing}`);
  }
  // oxlint-disable-next-line no-console
  console.warn(`SKIPPED: tests that need ${need}: ${missing}`);
  return true;
}
