/**
 * Whose user a native job is. `single-user`: the agent's own, or, where root started it, the one that it was told.
 * `mapped`: each account's local user, by a file that the cluster's administrator owns; who is not in it is refused.
 * The agent becomes that user by `sudo -n -u USER` (a rule for sbatch and scancel alone is enough), or where it is root
 * by itself. Root never is anybody's user.
 */
import { readFile, stat } from 'node:fs/promises';
import { invalid, RainbowError } from '../../../core/errors.ts';
import type { Order } from '../runner.ts';
import { resolveJobUser } from '../process/user.ts';

export interface SlurmUser {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
  readonly home: string | null;
  /** How the agent becomes him. */
  readonly by: 'uid' | 'sudo';
}

export interface Users {
  readonly kind: 'single-user' | 'mapped';
  /** Not the agent's own. */
  readonly isOthers: boolean;
  /** null: the agent's own. Throws `failed_precondition` where the owner is nobody here. */
  userOf(order: Pick<Order, 'owner'>): Promise<SlurmUser | null>;
  /** One of those who submit here, for a question that is nobody's; null: the agent itself. Throws as `userOf`. */
  anyone(): Promise<SlurmUser | null>;
  /** Names for `squeue -u`. */
  names(): readonly string[];
  /** What the agent says of it at its start; null: nothing. */
  readonly notice: string | null;
}

/** `runAs` null: the default. `map`: path of the mapping file; null: single-user. */
export async function slurmUsers(runAs: string | null, map: string | null): Promise<Users> {
  return map === null ? singleUser(runAs) : mapped(map);
}

async function singleUser(runAs: string | null): Promise<Users> {
  const { name, uid, gid, home, switched } = await resolveJobUser(runAs);
  const user: SlurmUser | null = switched ? { name, uid, gid, home, by: 'uid' } : null;
  return {
    kind: 'single-user',
    isOthers: switched,
    userOf: async () => user,
    anyone: async () => user,
    names: () => [name],
    notice: switched ? `this agent runs as root: it submits as ${name} (uid ${uid}), never as root` : null,
  };
}

async function mapped(path: string): Promise<Users> {
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    throw invalid('--map-users', `${path} cannot be read: ${error instanceof Error ? error.message : String(error)}`);
  });
  const { mode, uid } = await stat(path);
  const own = process.getuid?.() ?? -1;
  if ((mode & 0o022) !== 0 || (uid !== own && uid !== 0)) {
    throw invalid(
      '--map-users',
      `${path} can be changed by others: it must belong to root or to the agent's user, mode 0644 or less`,
    );
  }
  const map = readMapping(text);
  const known = new Map<string, Promise<SlurmUser>>();
  const userNamed = (name: string): Promise<SlurmUser> => {
    let user = known.get(name);
    if (user === undefined) known.set(name, (user = localUser(name, own === 0)));
    return user;
  };
  return {
    kind: 'mapped',
    isOthers: true,
    async userOf({ owner }) {
      const name = map.get(owner);
      if (name === undefined) {
        throw new RainbowError(
          'failed_precondition',
          `its owner (${owner.slice(0, 60)}) has no local user on this cluster: ask its administrator for a line in the mapping`,
        );
      }
      return userNamed(name);
    },
    async anyone() {
      const [first] = map.values();
      return first === undefined ? null : userNamed(first);
    },
    names: () => [...new Set(map.values())],
    notice: `this agent submits as ${new Set(map.values()).size} local users, by ${path}`,
  };
}

async function localUser(name: string, isRoot: boolean): Promise<SlurmUser> {
  const { uid, gid, home } = await resolveJobUser(name, 0);
  return { name, uid, gid, home, by: isRoot ? 'uid' : 'sudo' };
}

/** Lines `OWNER USER`; empty lines and those after # are left out. Throws `invalid_input` with the line. */
export function readMapping(text: string): ReadonlyMap<string, string> {
  const map = new Map<string, string>();
  text.split('\n').forEach((line, i) => {
    const said = line.replace(/(^|\s)#.*$/, '').trim();
    if (said === '') return;
    const [owner = '', user = '', more] = said.split(/\s+/);
    const place = `--map-users, line ${i + 1}`;
    if (more !== undefined || user === '') throw invalid(place, 'two words are needed: OWNER USER');
    if (!/^[A-Za-z_][\w.-]*\$?$/.test(user)) throw invalid(place, `${JSON.stringify(user)} is no name of a local user`);
    if (user === 'root') throw invalid(place, 'root never runs a job');
    if (map.has(owner)) throw invalid(place, `${JSON.stringify(owner)} is there twice`);
    map.set(owner, user);
  });
  return map;
}

/** Whom files that travel with it are to belong to. Throws `failed_precondition` where they cannot be given to him. */
export async function ownerOfFiles(users: Users, order: Pick<Order, 'owner'>): Promise<SlurmUser | null> {
  const user = await users.userOf(order);
  if (user?.by !== 'sudo') return user;
  throw new RainbowError(
    'failed_precondition',
    `files cannot be given to ${user.name}: an agent that submits for others by sudo brings none; one that is started as root does`,
  );
}
