/** A cluster that could hold a job, and is not to get it all the same: it does not serve now, or cannot be told all of it. */
import type { Jobspec } from '../core/jobspec/jobspec.ts';
import { whyNotServing } from '../core/serving.ts';
import { lossAllowed, lostOn, mayBeParticular, NATIVE_RUNNERS } from '../core/translate/native.ts';
import type { System } from '../system/system.ts';
import type { InnerRegistry } from './registry.ts';
import type { SchedulerSettings } from './settings.ts';

/** Jobspecs of which it is kept what other schedulers cannot be told: jobs come in batches of equal ones. */
const MOST_LOSSES = 256;

export interface WhyNot {
  /** In words; null: it may get it. `text`: the jobspec as it was submitted. */
  readonly whyNot: (cluster: string, jobspec: Jobspec, text: string) => string | null;
  /** What a runner of this kind ('': none is known) cannot tell its scheduler; '' where nothing is lost, or may be. */
  readonly lossOn: (runner: string, text: string) => string;
}

export function createWhyNot(deps: {
  readonly registry: Pick<InnerRegistry, 'get'>;
  readonly system: Pick<System, 'clock'>;
  readonly settings: Pick<SchedulerSettings, 'defaultWalltime'>;
}): WhyNot {
  const { registry, system, settings } = deps;
  const losses = new Map<string, string>();

  const lossOn = (runner: string, text: string): string => {
    // Of a cluster without an agent it is not known what it can be told; its agent refuses, and says why.
    if (!NATIVE_RUNNERS.has(runner) && (runner === '' || !mayBeParticular(text))) return '';
    const key = `${runner}\n${text}`;
    let lost = losses.get(key);
    if (lost === undefined) {
      lost = lossAllowed(text) ? '' : lostOn(text, runner).join('; ');
      if (losses.size >= MOST_LOSSES) losses.clear();
      losses.set(key, lost);
    }
    return lost;
  };

  return {
    whyNot(cluster, jobspec, text) {
      const record = registry.get(cluster);
      if (record === null) return null;
      const walltime = jobspec.walltime ?? settings.defaultWalltime;
      const notServing = whyNotServing(record.service, system.clock.now(), walltime);
      if (notServing !== null) return notServing;
      const lost = lossOn(record.instance?.runner ?? '', text);
      return lost === '' ? null : `its scheduler cannot be told all of it: ${lost}`;
    },
    lossOn,
  };
}
