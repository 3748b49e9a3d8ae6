/**
 * Who is asking. A person or program says so with `authorization: Bearer KEY` (a user key, or the server's secret for
 * an operator); a cluster with its name and secret inside the message; a submitter shows names and tokens of the
 * clusters and groups that it may use.
 * Invariant: every refusal is the same `unauthenticated` "request denied", whether the name or the secret was wrong,
 * and an unknown name costs the same comparison; past the limit of failures it is `resource_exhausted`. What is right
 * is never refused, however often others at the same address have failed: only wrong tries are held up. Names are
 * exact: no pattern, no folding of case.
 * Not here: what a principal may then do (the handlers), accounts (there are none yet: the owner is a key's hash).
 */
import { RainbowError } from '../core/errors.ts';
import type { Registry } from '../scheduler/scheduler.ts';
import type { ClusterRecord, GroupStore } from '../store/store.ts';
import type { Clock } from '../system/system.ts';
import type { CallContext } from './call.ts';
import { FailureLimit, LIMITS } from './limits.ts';
import { hashHex, NO_SECRET, sameSecret } from './secrets.ts';

export type Principal =
  | { readonly kind: 'user'; readonly owner: string }
  | { readonly kind: 'operator'; readonly owner: string }
  | { readonly kind: 'cluster'; readonly cluster: string }
  | { readonly kind: 'anonymous' };

/** Somebody who can own jobs. */
export type Person = Extract<Principal, { owner: string }>;

export interface Credential {
  readonly name: string;
  readonly token: string;
}

/** What a submitter's credentials open. */
export interface Opened {
  /** Sorted, distinct. */
  readonly clusters: readonly string[];
  /** The groups among them, by when they were made. */
  readonly groups: readonly { readonly name: string; readonly createdAt: number }[];
}

export interface Authenticator {
  /** From `authorization`; anonymous without one. Throws `unauthenticated` on a wrong one. */
  principal(call: CallContext): Principal;
  /** The same, but not anonymous. */
  person(call: CallContext): Person;
  /** The same, but an operator: others are `permission_denied`. */
  operator(call: CallContext): Person;
  /** The server's secret, as a cluster shows it to register. */
  server(secret: string, call: CallContext): void;
  /** A cluster's name and secret. */
  cluster(name: string, secret: string, call: CallContext): ClusterRecord;
  /** Names and tokens of clusters and groups; one wrong token fails them all. */
  credentials(credentials: readonly Credential[], call: CallContext): Promise<Opened>;
}

export const USER_KEY = /^rbu_[A-Za-z0-9_-]{43}$/;
/** In the limit of failures; no cluster can have this name. */
const THE_SERVER = '(server)';

export function createAuthenticator(parts: {
  readonly registry: Pick<Registry, 'get' | 'findAll'>;
  readonly groups: Pick<GroupStore, 'get'>;
  readonly clock: Clock;
  /** SHA-256 of the server's secret, which only operators and administrators know. */
  readonly secretHash: Uint8Array | (() => Uint8Array);
}): Authenticator {
  const { registry, groups } = parts;
  const failures = new FailureLimit(parts.clock);

  /** One attempt with one name, already compared: it counts, and is slowed down, where it is wrong. */
  function attempt(call: CallContext, name: string, right: boolean): void {
    if (right) return;
    failures.check(call.peer, name);
    failures.failed(call.peer, name);
    throw denied();
  }

  function server(secret: string, call: CallContext): void {
    attempt(
      call,
      THE_SERVER,
      sameSecret(secret, typeof parts.secretHash === 'function' ? parts.secretHash() : parts.secretHash) &&
        secret !== '',
    );
  }

  /** A call says it once, a stream of submits acts on it thousands of times. */
  const known = new WeakMap<CallContext, Principal>();
  function principal(call: CallContext): Principal {
    let found = known.get(call);
    if (found === undefined) known.set(call, (found = readPrincipal(call)));
    return found;
  }

  function readPrincipal(call: CallContext): Principal {
    const header = call.metadata('authorization');
    if (header === null || header === '') return { kind: 'anonymous' };
    const key = /^bearer +(.+)$/i.exec(header.trim())?.[1];
    if (key === undefined) {
      throw new RainbowError(
        'unauthenticated',
        'authorization: send "Bearer KEY", with your user key or the server\'s secret',
      );
    }
    if (USER_KEY.test(key)) return { kind: 'user', owner: `user:${hashHex(key)}` };
    server(key, call);
    return { kind: 'operator', owner: 'operator' };
  }

  function person(call: CallContext): Person {
    const found = principal(call);
    if (found.kind === 'user' || found.kind === 'operator') return found;
    throw new RainbowError(
      'unauthenticated',
      'say who you are: send the metadata "authorization: Bearer KEY" with a user key (rbu_ and 43 characters of base64url)',
    );
  }

  return {
    principal,
    person,
    server,

    operator(call) {
      const found = person(call);
      if (found.kind === 'operator') return found;
      throw new RainbowError(
        'permission_denied',
        'this is for operators: send the server\'s secret as "authorization: Bearer SECRET"',
      );
    },

    cluster(name, secret, call) {
      const cluster = registry.get(name);
      const right = sameSecret(secret, cluster?.secretHash ?? NO_SECRET);
      attempt(call, name, right && cluster !== null);
      return cluster!;
    },

    async credentials(credentials, call) {
      if (credentials.length > LIMITS.credentials) {
        throw new RainbowError(
          'resource_exhausted',
          `credentials: ${credentials.length} are too many; send at most ${LIMITS.credentials}, or use a cluster group`,
        );
      }
      const lists: (readonly string[])[] = [];
      const opened: Opened['groups'][number][] = [];
      let wrong: string | null = null;
      // Every one is looked at, so that the time says nothing about which was wrong.
      for (const { name, token } of credentials) {
        const found = registry.get(name) ?? (await groups.get(name));
        // Members that another server registered a moment ago.
        if (found !== null && 'clusters' in found) await registry.findAll(found.clusters);
        const right = sameSecret(token, found?.tokenHash ?? NO_SECRET);
        if (!right || found === null) {
          wrong ??= name;
        } else {
          if ('clusters' in found) opened.push({ name, createdAt: found.createdAt });
          lists.push('clusters' in found ? found.clusters : [found.name]);
        }
      }
      if (wrong !== null) attempt(call, wrong, false);
      return { clusters: inOrder(lists), groups: opened };
    },
  };
}

/** All of them, sorted, each once; one list that is so already as it is. */
function inOrder(lists: readonly (readonly string[])[]): readonly string[] {
  const [first, ...others] = lists;
  if (first !== undefined && others.length === 0) {
    if (first.every((name, i) => i === 0 || (first[i - 1] as string) < name)) return first;
  }
  return [...new Set(lists.flat())].sort();
}

/** The one answer to a wrong name, secret or token. */
export function denied(): RainbowError {
  return new RainbowError('unauthenticated', 'request denied');
}

/** The owner of jobs submitted without a user key: `token:` and the hash over the sorted credentials. */
export function ownerOf(credentials: readonly Credential[]): string {
  const sorted = credentials.map(({ name, token }) => JSON.stringify([name, token])).sort();
  return `token:${hashHex(sorted.join('\n'))}`;
}
