/**
 * One agent per state directory. The lock is a file that is made exclusively (link(2): it appears with its content)
 * and says who holds it: pid, start time, boot, host. A lock whose process is gone is taken over; that it is taken
 * from the dead one and not from a third is checked after the rename.
 */
import { randomBytes } from 'node:crypto';
import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { RainbowError } from '../core/errors.ts';
import { selfIdentity, standingOf, type ProcessIdentity } from './process-identity.ts';

export interface Lock {
  release(): void;
}

/** Throws `failed_precondition` where a living agent, or one on another machine, has it. */
export function takeLock(stateDir: string): Lock {
  const path = join(stateDir, 'lock');
  const me = selfIdentity();
  const mine = JSON.stringify(me);
  const aside = `${path}.${me.pid}.${randomBytes(4).toString('hex')}`;
  writeFileSync(aside, mine, { flag: 'wx', mode: 0o600 });
  try {
    for (let tries = 0; tries < 5; tries++) {
      try {
        linkSync(aside, path);
        return {
          release() {
            if (read(path) === mine) rmSync(path, { force: true });
          },
        };
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EEXIST') {
          throw new RainbowError(
            'failed_precondition',
            `${path} cannot be made: the state directory needs a file system with hard links`,
            { cause: error },
          );
        }
      }
      const found = read(path);
      if (found !== null) takeAway(path, found, me);
    }
  } finally {
    rmSync(aside, { force: true });
  }
  throw new RainbowError('failed_precondition', `${path} changes hands all the time: start one agent only`);
}

function takeAway(path: string, found: string, me: ProcessIdentity): void {
  const holder = parse(found);
  const standing = holder === null ? 'dead' : standingOf(holder, me);
  if (holder !== null && standing === 'alive') {
    throw new RainbowError(
      'failed_precondition',
      `an agent runs on this state directory already (process ${holder.pid}; ${path}): stop it first, or give --state-dir`,
    );
  }
  if (holder !== null && standing === 'elsewhere') {
    throw new RainbowError(
      'failed_precondition',
      `an agent on ${holder.host} uses this state directory: stop it there, or remove ${path} if that machine is gone`,
    );
  }
  // Renamed, not removed: whoever renames it first has it, and can see whose it was.
  const grave = `${path}.stale.${me.pid}.${randomBytes(4).toString('hex')}`;
  try {
    renameSync(path, grave);
  } catch {
    return;
  }
  if (read(grave) !== found) {
    // A third one had just made it: give it back.
    try {
      linkSync(grave, path);
    } catch {
      // Made anew meanwhile; the next try sees by whom.
    }
  }
  rmSync(grave, { force: true });
}

function read(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return null;
  }
}

function parse(text: string): ProcessIdentity | null {
  try {
    const value = JSON.parse(text) as Partial<ProcessIdentity>;
    if (typeof value.pid !== 'number' || typeof value.start !== 'string') return null;
    return { pid: value.pid, start: value.start, boot: value.boot ?? '', host: value.host ?? '' };
  } catch {
    return null;
  }
}
