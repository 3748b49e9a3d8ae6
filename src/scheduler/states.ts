/**
 * What a selection policy sees of a cluster: what it reported itself, and ours beside it (spec 4.3):
 * `rainbow_queued`, jobs that are assigned there or held; `rainbow_free_<type>`, vertices or pool units free now;
 * `rainbow_last_chosen`, the ordinal of the decision that last chose it (absent: not since this server started).
 * Ours win over reported keys of the same name. Kept until something at that cluster changes, since a decision asks
 * for all of its candidates and changes one.
 */
import type { Matcher } from '../core/match/matcher.ts';
import type { Debits } from './debits.ts';

export interface States {
  of(cluster: string): Readonly<Record<string, unknown>>;
  changed(cluster: string): void;
  /** A decision chose it. */
  chosen(cluster: string): void;
}

export function createStates(deps: {
  readonly matcher: Matcher;
  readonly outstanding: Debits['outstanding'];
  readonly reported: (cluster: string) => Readonly<Record<string, unknown>> | null;
  readonly isCompiled: (cluster: string) => boolean;
  /** Is told of every cluster whose state, or what is free of it, is another one. */
  readonly changed?: (cluster: string) => void;
}): States {
  const kept = new Map<string, Readonly<Record<string, unknown>>>();
  const lastChosen = new Map<string, number>();
  let decisions = 0;
  const changed = (cluster: string): void => {
    kept.delete(cluster);
    deps.changed?.(cluster);
  };
  return {
    of(cluster) {
      const found = kept.get(cluster);
      if (found !== undefined) return found;
      const state: Record<string, unknown> = {
        ...deps.reported(cluster),
        rainbow_queued: deps.outstanding(cluster),
      };
      const chosenAt = lastChosen.get(cluster);
      if (chosenAt !== undefined) state['rainbow_last_chosen'] = chosenAt;
      if (deps.isCompiled(cluster)) {
        for (const { type, free } of deps.matcher.counts(cluster)) state[`rainbow_free_${type}`] = free;
      }
      kept.set(cluster, state);
      return state;
    },
    changed,
    chosen(cluster) {
      lastChosen.set(cluster, ++decisions);
      changed(cluster);
    },
  };
}
