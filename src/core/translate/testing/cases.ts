/**
 * How many cases, and from which seed: `npm run soak` sets both, a test run repeats its own. The readers' input is
 * cheap to make, so a soak tries a million of each (RAINBOW_FUZZ says otherwise).
 */
const given = (name: string): number | null => (process.env[name] === undefined ? null : Number(process.env[name]));

export const caseCount = (usual: number): number => given('RAINBOW_CASES') ?? usual;
export const fuzzCount = (usual: number): number =>
  process.env['RAINBOW_SOAK'] === undefined ? caseCount(usual) : (given('RAINBOW_FUZZ') ?? 1_000_000);
export const caseSeed = given('RAINBOW_SEED') ?? 8;
