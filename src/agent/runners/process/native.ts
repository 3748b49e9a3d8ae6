/**
 * How a job stands, read from its files and from what lives: the one place that turns those into a status.
 * Looks only; `verdict` in the answer asks the caller to write down what cannot be seen a second time.
 */
import { constants as osConstants } from 'node:os';
import { join } from 'node:path';
import { isReasonCode } from '../../reason.ts';
import type { Reason } from '../../../core/job/state.ts';
import { selfIdentity, standingOf, type ProcessIdentity } from '../../process-identity.ts';
import type { NativeEnd, NativeStatus, Order } from '../runner.ts';
import { readOwnJson, readUntrusted, type JobFiles } from './files.ts';
import type { StoredWitness } from './allocation.ts';

/** order.json */
export interface AcceptedOrder {
  readonly order: Order;
  readonly acceptedAt: number;
}

/** start.json: written before the shim is started, so that a start is never forgotten. */
export interface StartRecord {
  readonly boot: string;
  readonly host: string;
  readonly at: number;
  readonly tasks: number;
  /** Whom the files in `run/` belong to. */
  readonly uid: number;
  readonly gid: number;
  readonly witness: StoredWitness;
}

/**
 * claimed.json: the claim as the agent first saw it, before any task began (the shim waits for it), since a job may remove
 * or overwrite all that is in `run/`, and what has run must not look as if it never had. Not synced: after a power cut it
 * is another boot.
 */
export interface SeenClaim {
  readonly text: string;
  /** Milliseconds since 1970: when it was made. */
  readonly modifiedAt: number;
}

/** end.json: what the agent found out where the shim could not say it. */
export interface Verdict {
  readonly end: NativeEnd;
  readonly endedAt: number;
}

export interface Found {
  readonly status: NativeStatus;
  readonly start: StartRecord | null;
  /** The shim; null before it has claimed. */
  readonly shim: ProcessIdentity | null;
  /** A claim that was not seen before; to be written down. */
  readonly newClaim: SeenClaim | null;
  /** An end that was found out by looking; to be written down. `remains`: processes may have been left behind. */
  readonly verdict: { readonly end: NativeEnd; readonly remains: boolean } | null;
}

/** Pid of a claim that the agent took to keep a shim from starting. */
export const NOBODY = 0;

export function claimText(identity: ProcessIdentity): string {
  return `pid ${identity.pid}\nstart ${identity.start}\nboot ${identity.boot}\nhost ${identity.host}\ncomplete\n`;
}

/** Null where the text is not a whole claim. */
export function parseClaim(text: string): ProcessIdentity | null {
  const fields = new Map(text.split('\n').map((line) => [line.split(' ', 1)[0]!, line.slice(line.indexOf(' ') + 1)]));
  const pid = Number(fields.get('pid') ?? Number.NaN);
  if (!fields.has('complete') || !Number.isSafeInteger(pid) || pid < 0) return null;
  return { pid, start: fields.get('start') ?? '', boot: fields.get('boot') ?? '', host: fields.get('host') ?? '' };
}

/**
 * `overdueAt`: milliseconds since 1970 after which a job that nobody here can see cannot be running any more.
 */
export async function lookAt(
  files: JobFiles,
  accepted: AcceptedOrder,
  now: number,
  overdueAt: (startedAt: number) => number,
): Promise<Found> {
  const { acceptedAt } = accepted;
  const start = await readOwnJson<StartRecord>(files.start);
  const uid = start?.uid ?? -1;
  const base = { acceptedAt, startedAt: null, endedAt: null, end: null };

  // 1. What the agent found out before.
  const verdict = await readOwnJson<Verdict>(files.verdict);
  const seen = await readOwnJson<SeenClaim>(files.seenClaim);
  const claimFile = seen ?? (await readUntrusted(files.claim, uid));
  const shim = claimFile === null ? null : parseClaim(claimFile.text);
  const isNew = seen === null && claimFile !== null && shim !== null && shim.pid !== NOBODY;
  const newClaim = isNew ? { text: claimFile.text, modifiedAt: claimFile.modifiedAt } : null;
  const startedAt = shim === null || shim.pid === NOBODY ? null : (claimFile?.modifiedAt ?? null);
  const ended = (end: NativeEnd, endedAt: number): NativeStatus => ({
    state: 'ended',
    acceptedAt,
    startedAt,
    endedAt,
    end,
  });
  const known = { start, shim, newClaim };
  if (verdict !== null) return { ...known, status: ended(verdict.end, verdict.endedAt), verdict: null };

  // 2. What the shim said. Looked for again below: a shim writes its end, then goes.
  const said = async (): Promise<Found | null> => {
    const file = await readUntrusted(files.end, uid);
    const end = file === null ? null : await readEnd(file.text, files, uid);
    return file === null || end === null ? null : { ...known, status: ended(end, file.modifiedAt), verdict: null };
  };
  const first = await said();
  if (first !== null) return first;
  const found = (end: NativeEnd, remains: boolean): Found => ({
    ...known,
    status: ended(end, now),
    verdict: { end, remains },
  });

  // 3. A claim without an end: alive, or nobody will ever say how it ended.
  if (shim !== null && shim.pid === NOBODY) return found(canceledBy(await readStop(files)), false);
  if (shim !== null) {
    const standing = standingOf(shim);
    if (standing === 'alive' || (standing === 'elsewhere' && now < overdueAt(startedAt ?? now))) {
      return { ...known, status: { ...base, state: 'running', startedAt }, verdict: null };
    }
    const late = await said();
    if (late !== null) return late;
    const stop = await readStop(files);
    if (stop !== null && standing === 'dead') return found(canceledBy(stop), true);
    return found(lostEnd(standing, shim), standing === 'dead');
  }

  // 4. Started, but no claim: after a reboot the claim may have been lost with the power.
  if (start !== null) {
    const here = selfIdentity();
    if (start.boot !== here.boot && start.host === here.host) return found(lostEnd('rebooted', null), false);
    if (start.boot !== here.boot && now >= overdueAt(start.at)) return found(lostEnd('elsewhere', null), false);
  }
  return { ...known, status: { ...base, state: 'accepted' }, shim: null, verdict: null };
}

function lostEnd(standing: 'dead' | 'rebooted' | 'elsewhere' | 'alive', shim: ProcessIdentity | null): NativeEnd {
  const message = {
    rebooted: 'the machine was started anew while the job ran',
    dead: `its shim (process ${shim?.pid ?? '?'}) was killed; what was left of the job was stopped`,
    elsewhere: `it was started on ${shim?.host ?? 'another machine'} and nothing was heard of it past its time limit`,
    alive: '',
  }[standing];
  const code = standing === 'dead' ? 'native' : standing === 'rebooted' ? 'node_failure' : 'not_reported';
  return { outcome: 'failed', reason: { code, message }, exitCode: null, signal: null };
}

export function canceledBy(reason: Reason | null): NativeEnd {
  const why = reason ?? { code: 'native', message: 'it was stopped' };
  return {
    outcome: why.code === 'time_limit' ? 'failed' : 'canceled',
    reason: why,
    exitCode: null,
    signal: null,
  };
}

export async function readStop(files: JobFiles): Promise<Reason | null> {
  const stop = await readOwnJson<Reason>(files.stop);
  return stop !== null && isReasonCode(stop.code) ? stop : null;
}

/** The shim's record; null where it is not whole. The job's exit code is the highest of its tasks'. */
async function readEnd(text: string, files: JobFiles, uid: number): Promise<NativeEnd | null> {
  const lines = text.split('\n');
  const whole = lines.indexOf('complete');
  if (whole < 0) return null;
  let cause = 'exit';
  let worst = { task: 0, status: -1 };
  for (const line of lines.slice(0, whole)) {
    const [word, first = '', second = ''] = line.split(' ');
    if (word === 'cause') cause = first;
    const status = Number(second);
    if (word === 'task' && status > worst.status) worst = { task: Number(first), status };
  }
  const exitCode = worst.status < 0 ? null : worst.status;
  const signal = exitCode !== null && exitCode > 128 && exitCode <= 128 + 64 ? exitCode - 128 : null;
  const how = { exitCode, signal };
  if (cause === 'stop') return { ...canceledBy(await readStop(files)), ...how };
  if (cause === 'time_limit') {
    return { outcome: 'failed', reason: { code: 'time_limit', message: 'it ran into its time limit' }, ...how };
  }
  if (exitCode === null || exitCode === 0)
    return { outcome: 'completed', reason: { code: 'exit', message: '' }, ...how };
  const cannot = await readUntrusted(join(files.run, `cannot.${worst.task}`), uid, 4096);
  if (cannot !== null) {
    return { outcome: 'failed', reason: { code: 'cannot_start', message: cannot.text.trim() }, ...how };
  }
  if (signal !== null) {
    return {
      outcome: 'failed',
      // A shell says the same for both, so both are said.
      reason: { code: 'signal', message: `task ${worst.task}: ${signalName(signal)}, or exit code ${exitCode}` },
      ...how,
    };
  }
  return { outcome: 'failed', reason: { code: 'exit', message: `task ${worst.task} exited with ${exitCode}` }, ...how };
}

function signalName(signal: number): string {
  const known = Object.entries(osConstants.signals).find(([, number]) => number === signal);
  return known === undefined ? `signal ${signal}` : `${known[0]} (${signal})`;
}
