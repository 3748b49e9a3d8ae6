/**
 * A cluster that could hold a job, and is not to get it all the same: it does not serve now, which passes; or it cannot be
 * told, or do, all of it, which does not: that is a no.
 */
import { containersNamed, isRuntime, type Containers } from '../core/containers/runtimes.ts';
import type { Jobspec } from '../core/jobspec/jobspec.ts';
import type { Verdict } from '../core/match/matcher.ts';
import { whyNotServing } from '../core/serving.ts';
import { lossAllowed, lostOn, mayBeParticular, NATIVE_RUNNERS } from '../core/translate/native.ts';
import type { System } from '../system/system.ts';
import type { AgentInstance } from '../store/store.ts';
import { no } from './admission.ts';
import type { InnerRegistry } from './registry.ts';
import type { SchedulerSettings } from './settings.ts';

/** Jobspecs of which it is kept what other schedulers cannot be told: jobs come in batches of equal ones. */
const MOST_LOSSES = 256;

export interface WhyNot {
  /** In words, why it does not serve now; null: it does. */
  readonly whyNot: (cluster: string, jobspec: Jobspec) => string | null;
  /** Of each cluster; null: nothing is lost there, or may be. Of one kind they share a verdict. `text`: as it was submitted. */
  readonly refusing: (jobspec: Jobspec, text: string) => (cluster: string) => Verdict | null;
  /** What cannot be told, or done, where this kind of agent is; '' where nothing is lost, or may be. */
  readonly lossOn: (kind: AgentKind, jobspec: Jobspec, text: string) => string;
}

/** What matters of an agent for what a job loses. Runner '': none is known; a prototype's client, or nobody. */
export interface AgentKind {
  readonly runner: string;
  readonly containers: Containers;
}

export function kindOf(instance: AgentInstance | null): AgentKind {
  return { runner: instance?.runner ?? '', containers: containersNamed(instance?.containers ?? '') };
}

export function createWhyNot(deps: {
  readonly registry: Pick<InnerRegistry, 'get' | 'leastAt'>;
  readonly system: Pick<System, 'clock'>;
  readonly settings: Pick<SchedulerSettings, 'defaultWalltime'>;
}): WhyNot {
  const { registry, system, settings } = deps;
  const losses = new Map<string, string>();

  const lossOn = ({ runner, containers }: AgentKind, { image }: Jobspec, text: string): string => {
    // Of a cluster without an agent it is not known what it can be told; its agent refuses, and says why.
    if (!NATIVE_RUNNERS.has(runner) && (runner === '' || (image === null && !mayBeParticular(text)))) return '';
    const key = `${runner} ${containers}\n${text}`;
    let lost = losses.get(key);
    if (lost === undefined) {
      lost = lossAllowed(text) ? '' : lostOn(text, runner, containers).join('; ');
      if (losses.size >= MOST_LOSSES) losses.clear();
      losses.set(key, lost);
    }
    return lost;
  };

  return {
    whyNot(cluster, jobspec) {
      const record = registry.get(cluster);
      if (record === null) return null;
      const walltime = registry.leastAt(cluster, jobspec, settings.defaultWalltime);
      return whyNotServing(record.service, system.clock.now(), walltime);
    },
    refusing(jobspec, text) {
      const verdicts = new Map<string, Verdict | null>();
      return (cluster) => {
        const instance = registry.get(cluster)?.instance ?? null;
        if (instance === null) return null;
        const kind = kindOf(instance);
        const key = `${kind.runner} ${kind.containers}`;
        let verdict = verdicts.get(key);
        if (verdict === undefined) {
          const lost = lossOn(kind, jobspec, text);
          verdict = lost === '' ? null : no('told', inWords(kind, jobspec, lost));
          verdicts.set(key, verdict);
        }
        return verdict;
      };
    },
    lossOn,
  };
}

/** With what can be done about it. */
function inWords({ runner, containers }: AgentKind, { image }: Jobspec, lost: string): string {
  const what = NATIVE_RUNNERS.has(runner) ? 'its scheduler cannot be told all of it' : 'it cannot do all of it';
  const runs = image !== null && !isRuntime(containers) && lost.includes(`the image ${image} (`);
  const or = runs ? ', or give its agent a container runtime (docs/containers.md)' : '';
  return `${what}: ${lost}. Allow that with --allow-lossy${or}`;
}
