/** A subsystem's name. `cluster` is the resource graph itself, the dominant one: it goes with the cluster only. */
import { invalid } from '../../core/errors.ts';
import { checkName } from '../../core/names.ts';

export const DOMINANT = 'cluster';

export function checkSubsystem(name: string, place: string): string {
  if (name === DOMINANT) {
    throw invalid(
      place,
      `"${DOMINANT}" is the resource graph itself, not a subsystem; register, replace or delete the cluster`,
    );
  }
  return checkName(name, place);
}
