/**
 * Room for contents: an owner's quota, counted in his own row with a condition, and what no job names, of all owners
 * together, which is looked up: what is named and what is not changes in many places, and a count that is wrong once
 * stays wrong. Of the latter one owner, and what was sent with one token, has a share: keys are made up by anybody, tokens
 * are not. All hold however many uploads come at once. Who gets in where there is no room left: make-room.ts.
 */
import { RainbowError } from '../../core/errors.ts';
import { sizeText } from '../../core/staging/size.ts';
import type { FileRoom } from '../file-store.ts';
import { makeRoom } from './make-room.ts';
import { one, run, type Operation } from './statement.ts';
import { LEAST_BYTES, unusedOf } from './unused-files.ts';

/** Whose row is locked, so that uploads look at what no job names one after the other; nobody is called so. */
const EVERYBODY = '';

/**
 * Takes room for contents of these sizes; `resource_exhausted` where there is not enough, or not for `whole` bytes, of which
 * these are the first.
 */
export function* charge(
  owner: string,
  sizes: readonly number[],
  room: FileRoom,
  whole: number = sum(sizes),
): Operation<void> {
  const bytes = sum(sizes);
  if (bytes === 0) return;
  const { quota } = room;
  yield* checkUnused(owner, Math.max(whole, sum(sizes.map((size) => Math.max(size, LEAST_BYTES)))), room);
  const counted =
    whole > quota
      ? undefined
      : yield* one<{ bytes: number }>(
          `INSERT INTO file_owners (owner, bytes) VALUES (?, ?)
           ON CONFLICT (owner) DO UPDATE SET bytes = file_owners.bytes + excluded.bytes
           WHERE file_owners.bytes + ? <= ? RETURNING bytes`,
          owner,
          bytes,
          whole,
          quota,
        );
  if (counted !== undefined) return;
  const used = yield* usedBytes(owner);
  throw new RainbowError(
    'resource_exhausted',
    `${sizeText(whole)} more would be too much: your files on this server may have ${sizeText(quota)}, and have ` +
      `${sizeText(used)}; they go with the jobs that they belong to, and what no job names goes by itself after a while`,
  );
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((all, each) => all + each, 0);
}

export function* refund(owner: string, bytes: number): Operation<void> {
  if (bytes > 0) yield* run('UPDATE file_owners SET bytes = bytes - ? WHERE owner = ?', bytes, owner);
}

export function* usedBytes(owner: string): Operation<number> {
  return (yield* one<{ bytes: number }>('SELECT bytes FROM file_owners WHERE owner = ?', owner))?.bytes ?? 0;
}

function* checkUnused(owner: string, bytes: number, { unused: most, share }: FileRoom): Operation<void> {
  if (most === null) return;
  // 1. One at a time: the next one sees what this one adds.
  yield* run(
    `INSERT INTO file_owners (owner, bytes) VALUES (?, 0)
     ON CONFLICT (owner) DO UPDATE SET bytes = file_owners.bytes`,
    EVERYBODY,
  );
  // 2. What there is.
  const sentWith = share?.sentWith ?? '';
  const { everything: all, owned, sent } = yield* unusedOf(owner, sentWith);
  if (share !== undefined) {
    if (owned + bytes > share.bytes) throw noRoom(bytes, share.bytes, 'one owner', owned);
    if (sent + bytes > share.bytes) throw noRoom(bytes, share.bytes, 'all who send with one token', sent);
  }
  if (all + bytes <= most) return;
  // 3. It is full: whoever has little takes the place of what others have too much of.
  const freed = yield* makeRoom({ sentWith, bytes, over: all + bytes - most, most });
  if (freed === null) throw noRoom(bytes, most, 'everybody together', all);
  for (const [whose, was] of freed) yield* refund(whose, was);
}

function noRoom(bytes: number, most: number, whose: string, unused: number): RainbowError {
  return new RainbowError(
    'resource_exhausted',
    `${sizeText(bytes)} more would be too much: this server keeps ${sizeText(most)} of files that no job has (yet), of ` +
      `${whose}, and has ${sizeText(unused)}; such files go by themselves after an hour: try again later, or ` +
      'ask its operator for more (`files.unusedBytes`)',
  );
}
