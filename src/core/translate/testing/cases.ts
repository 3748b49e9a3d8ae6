/** How many cases, and from which seed: `npm run soak` sets both, a test run repeats its own. */
export const caseCount = (usual: number): number => Number(process.env['RAINBOW_CASES'] ?? usual);
export const caseSeed = Number(process.env['RAINBOW_SEED'] ?? 8);
