/**
 * The cheapest that makes it: of the offers whose end by P90 is not after the deadline, the lowest price. If none makes
 * it, the soonest end by P90, and the notes say so. The deadline is the job's own, or `within` of its submit.
 * A job without either has no deadline: then every offer makes it.
 */
import type { CorrectedOffer } from '../bid/bid.ts';
import { invalid } from '../errors.ts';
import { parseDuration } from '../jobspec/duration.ts';
import { amountsOf, readRates } from './amounts.ts';
import { byPrice } from './cheapest.ts';
import { ordered, silentNote, withoutOffer } from './order.ts';
import type { Contender, JobFacts, Policy } from './policy.ts';
import { weighing } from './policy.ts';

export const deadlinePolicy: Policy = {
  compile(options) {
    const rates = readRates(options);
    const within = readWithin(options['within']);
    return weighing(({ contenders, seed, job }) => {
      if (contenders.length === 0) return { order: [], notes: [] };
      const deadline = deadlineOf(job, within);
      const makesIt = ({ offer }: Contender): boolean => offer !== null && endP90(offer) <= deadline;
      const amounts = amountsOf(contenders, rates);
      const order = ordered(contenders, seed, (each) => {
        const { offer } = each;
        if (makesIt(each)) return [0, ...byPrice(each, amounts)];
        return offer === null ? [2, ...withoutOffer(each), 0, 0] : [1, endP90(offer), offer.startP50, 0, 0];
      });
      const inTime = contenders.filter(makesIt).length;
      const what =
        deadline === Infinity
          ? 'the job has no deadline: the cheapest'
          : inTime > 0
            ? `${inTime} would end in time, nine times in ten: the cheapest of them`
            : 'none would end in time, nine times in ten: the soonest end';
      return { order, notes: [`deadline: ${what}${amounts.note}${silentNote(contenders)}`] };
    });
  },
};

/** When it would have ended, nine times in ten. */
function endP90(offer: CorrectedOffer): number {
  return offer.startP90 + (offer.end - offer.startP50);
}

function deadlineOf(job: JobFacts, within: number | null): number {
  const own = job.deadline ?? Infinity;
  return within === null ? own : Math.min(own, job.submittedAt + within * 1000);
}

function readWithin(written: string | undefined): number | null {
  if (written === undefined || written.trim() === '') return null;
  const seconds = parseDuration(written.trim());
  if (seconds !== null && Number.isFinite(seconds) && seconds > 0) return seconds;
  throw invalid('within', `must be a duration such as "90m" or "4h", not "${written.slice(0, 40)}"`);
}
