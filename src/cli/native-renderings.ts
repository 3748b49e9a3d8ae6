/**
 * What each cluster's own scheduler would be given: the rendering of a jobspec by the kind of the cluster's agent, and
 * what it cannot be told. Clusters of one kind share a rendering.
 */
import type { Containers } from '../core/containers/runtimes.ts';
import type { Candidate, Job } from '../gen/rainbow/v1/job_pb.js';
import { Fits } from '../gen/rainbow/v1/job_pb.js';
import type { Cluster } from '../gen/rainbow/v1/clusters_pb.js';
import { clean, cleanLines } from './paint.ts';
import { maintenanceText } from './present/cluster.ts';
import { isoTime, milliseconds } from './present/time.ts';
import { stateWord } from './present/words.ts';

export interface NativeOf {
  readonly clusters: readonly string[];
  readonly runner: string;
  /** '' where it takes jobspecs as they are. */
  readonly text: string;
  /** In words; the placement is refused for these, unless that is `allowed`. */
  readonly lost: readonly string[];
  /** By the jobspec: attributes.rainbow.allowLossy. */
  readonly allowed: boolean;
}

/** Of those candidates that could hold it, or would if their scheduler could be told all of it. */
export async function nativeRenderings(
  jobspec: string,
  candidates: readonly Candidate[],
  clusters: readonly Cluster[],
): Promise<readonly NativeOf[]> {
  const { lossAllowed, lostOn, nativeRendering } = await import('../core/translate/native.ts');
  const allowed = lossAllowed(jobspec);
  const { containersNamed } = await import('../core/containers/runtimes.ts');
  const alike = new Map<string, { readonly runner: string; readonly containers: Containers; names: string[] }>();
  for (const { cluster, satisfiable, reasons } of candidates) {
    const found = clusters.find(({ name }) => name === cluster);
    const runner = found?.runner ?? '';
    if ((satisfiable !== Fits.YES && reasons[0]?.stage !== 'told') || runner === '') continue;
    const containers = containersNamed(found?.containers ?? '');
    const key = `${runner} ${containers}`;
    alike.set(key, { runner, containers, names: [...(alike.get(key)?.names ?? []), cluster] });
  }
  return [...alike.values()].flatMap(({ runner, containers, names }) => {
    const { text, lost } = nativeRendering(jobspec, runner, containers) ?? {
      text: '',
      lost: lostOn(jobspec, runner, containers),
    };
    return text === '' && lost.length === 0 ? [] : [{ clusters: names, runner, text, lost, allowed }];
  });
}

export function nativeLines({ clusters, runner, text, lost, allowed }: NativeOf): readonly string[] {
  const indented = text
    .trimEnd()
    .split('\n')
    .map((line) => `  ${cleanLines(line)}`);
  return [
    `on ${clusters.map(clean).join(', ')} (${clean(runner)}):`,
    ...(text === '' ? [] : indented),
    ...lost.map((each) => `  would be lost: ${clean(each)}`),
    ...(lost.length === 0
      ? []
      : [allowed ? '  and it may be: --allow-lossy' : '  so it is not placed there, unless you say --allow-lossy']),
  ];
}

/** What clusters that could hold it would not act on, a line each. */
export async function unheededLines(
  jobspec: string,
  candidates: readonly Candidate[],
  ask: () => Promise<readonly Cluster[]>,
): Promise<readonly string[]> {
  const [{ unheededOn }, { readJobspec }, { lossAllowed }, { containersNamed }, { imageLoss }] = await Promise.all([
    import('../core/translate/unheeded.ts'),
    import('../core/jobspec/read.ts'),
    import('../core/translate/native.ts'),
    import('../core/containers/runtimes.ts'),
    import('../core/containers/job-image.ts'),
  ]);
  const read = readJobspec(jobspec);
  const allowed = lossAllowed(jobspec);
  // Only an image is left unheeded: the clusters are not asked for without one.
  if (read.image === null || candidates.length === 0) return [];
  const clusters = await ask();
  return candidates.flatMap(({ cluster, satisfiable }) => {
    if (satisfiable !== Fits.YES) return [];
    const found = clusters.find(({ name }) => name === cluster);
    const containers = containersNamed(found?.containers ?? '');
    // Where something would be lost it is not placed, unless that is allowed: then it is not used.
    if (!allowed && imageLoss(read, jobspec, containers) !== null) return [];
    return unheededOn(read, found?.runner ?? '', containers).map((each) => `${clean(cluster)}: ${clean(each)}`);
  });
}

/**
 * Of those that could hold it, the ones that would not be given it now, and why; other windows in lines; and what stands in
 * the way of starting it, where nobody is there to do it.
 */
export async function serving(
  jobspec: string,
  candidates: readonly Candidate[],
  clusters: readonly Cluster[],
  now: number,
): Promise<{
  readonly barred: ReadonlyMap<string, string>;
  readonly absent: ReadonlyMap<string, string>;
  readonly lines: readonly string[];
}> {
  const [{ UNHEARD, whyNotServing }, { readJobspec }] = await Promise.all([
    import('../core/serving.ts'),
    import('../core/jobspec/read.ts'),
  ]);
  // Without a time of its own it has the server's, which is not known here.
  const asked = readJobspec(jobspec);
  const barred = new Map<string, string>();
  const unheard: string[] = [];
  let isAgentThere = false;
  const absent = new Map<string, string>();
  const lines: string[] = [];
  for (const { cluster, satisfiable } of candidates) {
    const found = clusters.find(({ name }) => name === cluster);
    if (found === undefined) continue;
    const away = whoIsAway(found);
    if (away !== null) absent.set(cluster, away);
    const windows = found.maintenance.map(({ from, until, reason }) => ({
      from: from === undefined ? 0 : milliseconds(from),
      until: until === undefined ? 0 : milliseconds(until),
      reason,
    }));
    const drained = found.drainedAt === undefined ? null : { reason: found.drainReason };
    const walltime = (found.runner === 'slurm' ? asked.leastTime : null) ?? asked.walltime ?? 0;
    const why = whyNotServing({ drained, windows }, now, walltime);
    if (why === null && satisfiable === Fits.YES) {
      if (found.connected) isAgentThere = true;
      else if (isUnheard(found)) unheard.push(cluster);
    }
    if (why !== null && satisfiable === Fits.YES) barred.set(cluster, why);
    else lines.push(...found.maintenance.map((each) => `${clean(cluster)}: maintenance ${maintenanceText(each)}`));
  }
  if (isAgentThere) for (const cluster of unheard) barred.set(cluster, UNHEARD);
  return { barred, absent, lines };
}

function isUnheard({ runner, lastSeenAt }: Cluster): boolean {
  return runner === '' && lastSeenAt === undefined;
}

/** What a job that its cluster has not begun to queue waits for there, in a line; null: nothing, or it is further. */
export async function waitsForAgent(
  job: Pick<Job, 'cluster' | 'state'>,
  ask: (name: string) => Promise<Cluster>,
): Promise<string | null> {
  const state = stateWord(job.state);
  if (job.cluster === '' || (state !== 'assigned' && state !== 'received')) return null;
  // What is shown beside stands without it.
  const there = await ask(job.cluster).catch(() => null);
  const once = there === null ? null : whoIsAway(there);
  return once === null ? null : `${job.cluster}: it starts once ${once}`;
}

/** What has to happen before a job starts there; null: nothing. A prototype's client polls: where it does, it was seen. */
export function whoIsAway(cluster: Cluster): string | null {
  const { connected, runner, lastSeenAt } = cluster;
  if (connected) return null;
  if (runner !== '') {
    const since = lastSeenAt === undefined ? '' : `: last heard ${isoTime(lastSeenAt)}`;
    return `its agent is back (it is not connected${since})`;
  }
  return isUnheard(cluster) ? 'an agent is there (none has come yet)' : null;
}
