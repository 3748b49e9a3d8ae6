/** Native jobs of ours among all that Flux lists, by key; and which of several with one key counts. Pure. */
import { keyText } from '../runner.ts';
import { readNativeName, type NativeName } from './key.ts';
import type { FluxRecord } from './records.ts';
import { phaseOf } from './status.ts';

export interface Found {
  readonly name: NativeName;
  readonly record: FluxRecord;
}

/** By `ID.EPOCH`. */
export function oursAmong(records: readonly FluxRecord[], realm: string): ReadonlyMap<string, readonly Found[]> {
  const byKey = new Map<string, Found[]>();
  for (const record of records) {
    const name = readNativeName(record.name);
    if (name === null || name.realm !== realm) continue;
    const there = byKey.get(keyText(name));
    if (there === undefined) byKey.set(keyText(name), [{ name, record }]);
    else there.push({ name, record });
  }
  return byKey;
}

/** Somebody let it go. */
export function wasReleased({ urgency, startedAt }: FluxRecord): boolean {
  return urgency !== 0 || startedAt !== null;
}

/** Of several submissions of one key the one that may have run; else one that can. At least one is given. */
export function likeliest(mine: readonly Found[]): Found {
  return (
    mine.find(({ record }) => wasReleased(record)) ??
    mine.find(({ record }) => phaseOf(record.state) !== 'ended') ??
    mine[0]!
  );
}
