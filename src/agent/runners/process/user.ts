/**
 * Whose user the jobs run as. Root never runs a job: an agent that was started as root runs them as `nobody`, or as
 * the user that it was told. Anybody else runs them as himself. Names are asked of the system (`id`), so users of a
 * directory service are found too. Supplementary groups are dropped when users are switched.
 */
import { execFile } from 'node:child_process';
import { stat } from 'node:fs/promises';
import { userInfo } from 'node:os';
import { promisify } from 'node:util';
import { RainbowError } from '../../../core/errors.ts';

const run = promisify(execFile);

export interface JobUser {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
  /** The user's home where it exists; null: jobs get their own directory for one. */
  readonly home: string | null;
  /** The agent is root and becomes this user for each job. */
  readonly switched: boolean;
}

/** `runAs` null: the default. Throws `invalid_input` for root and for users that do not exist or cannot be become. */
export async function resolveJobUser(runAs: string | null, ownUid = process.getuid?.() ?? -1): Promise<JobUser> {
  if (ownUid !== 0) {
    const own = userInfo();
    if (runAs !== null && runAs !== own.username && runAs !== String(own.uid)) {
      throw new RainbowError(
        'invalid_input',
        `only root can run jobs as another user (${runAs}); this agent runs as ${own.username}: leave the option out, or start the agent as ${runAs}`,
        { place: '--run-as' },
      );
    }
    return { name: own.username, uid: own.uid, gid: own.gid, home: own.homedir, switched: false };
  }
  const name = runAs ?? 'nobody';
  const uid = await ask(name, '-u');
  const gid = await ask(name, '-g');
  if (uid === null || gid === null) {
    throw new RainbowError('invalid_input', `this machine has no user ${name}: name one that exists`, {
      place: '--run-as',
    });
  }
  if (uid === 0) {
    throw new RainbowError('invalid_input', 'root never runs a job: name another user, or leave the option out', {
      place: '--run-as',
    });
  }
  return { name, uid, gid, home: await homeOf(name), switched: true };
}

/** What an agent says of it at its start; null where its jobs run as its own user. `runAs` null: it was told nobody. */
export function jobUserNotice({ name, uid, switched }: JobUser, runAs: string | null): string | null {
  if (!switched) return null;
  const notice = `this agent runs as root: its jobs run as ${name} (uid ${uid}), never as root`;
  return runAs === null
    ? `${notice}. Other programs may run as ${name}, too, and each can signal the others' processes: ` +
        'give the jobs a user of their own with --run-as USER'
    : notice;
}

async function ask(user: string, what: '-u' | '-g'): Promise<number | null> {
  if (!/^[A-Za-z0-9_][A-Za-z0-9_.@-]*\$?$/.test(user)) return null;
  try {
    const { stdout } = await run('id', [what, '--', user]);
    const id = Number(stdout.trim());
    return Number.isInteger(id) ? id : null;
  } catch {
    return null;
  }
}

async function homeOf(user: string): Promise<string | null> {
  try {
    const { stdout } = await run('getent', ['passwd', user]);
    const home = stdout.split(':')[5] ?? '';
    return home !== '' && home !== '/' && (await stat(home)).isDirectory() ? home : null;
  } catch {
    return null;
  }
}

/** What a task finds in its environment before the jobspec has its say. Never the agent's own secrets. */
export function baseEnvironment(
  user: JobUser,
  own: Readonly<Record<string, string | undefined>>,
): Record<string, string> {
  const base: Record<string, string> = {};
  for (const [name, value] of Object.entries(own)) {
    if (value === undefined || name.startsWith('RAINBOW_')) continue;
    // 1. His own jobs see what he sees; 2. another user's see only what is no secret of root's.
    if (!user.switched || name === 'PATH' || name === 'TZ' || name === 'LANG' || name.startsWith('LC_')) {
      base[name] = value;
    }
  }
  base['PATH'] ??= '/usr/local/bin:/usr/bin:/bin';
  if (user.switched) {
    base['USER'] = user.name;
    base['LOGNAME'] = user.name;
    base['SHELL'] = '/bin/sh';
  }
  if (user.home !== null) base['HOME'] = user.home;
  return base;
}
