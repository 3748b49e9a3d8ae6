/** What was rendered without loss reads as the same jobspec; and each way of rendering is lossless often enough to tell. */
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { RainbowError } from '../errors.ts';
import { checkTasks, readJobspec } from '../jobspec/read.ts';
import { NO_CONTEXT } from './context.ts';
import { normalForm } from './normal.ts';
import { render } from './render/render.ts';
import type { Rendered, Target } from './render/render.ts';
import { isLossy } from './report.ts';
import { caseCount, caseSeed } from './testing/cases.ts';
import { jobspecs } from './testing/jobspecs.ts';
import { translate } from './translate.ts';
import type { Form } from './translate.ts';

const context = { ...NO_CONTEXT, file: 'job.sh' };
const ways: readonly (readonly [Target, Form, number, number])[] = [
  ['sbatch', 'sbatch', 400, 0.2],
  ['flux', 'flux-command', 400, 0.2],
  ['kubernetes', 'kubernetes', 400, 0.2],
  ['rfc14', 'jobspec', 50, 0.99],
];

/** null where it cannot be said at all; anything but a refusal of the input is thrown. */
function rendering(jobspec: string, target: Target): Rendered | null {
  try {
    return render(jobspec, target, null);
  } catch (error) {
    if (error instanceof RainbowError && error.code === 'invalid_input') return null;
    throw error;
  }
}

test.each(ways)('%s', (target, form, usual, least) => {
  const numRuns = caseCount(usual);
  let lossless = 0;
  fc.assert(
    fc.property(jobspecs(target), (jobspec) => {
      const rendered = rendering(jobspec, target);
      if (rendered === null || isLossy(rendered.report)) return;
      lossless += 1;
      const [job, other] = translate(rendered.text, form, context).jobs;
      expect(other).toBeUndefined();
      expect(isLossy(job!.report)).toBe(false);
      checkTasks(readJobspec(job!.jobspec));
      expect(normalForm(job!.jobspec)).toBe(normalForm(jobspec));
    }),
    { numRuns, seed: caseSeed },
  );
  expect(lossless / numRuns).toBeGreaterThan(least);
});
