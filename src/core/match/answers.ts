/**
 * The verdicts on one question by look: what is asked of one class is not asked again of an equal one, whichever cluster
 * has it, whether it is all of that cluster or what is free of it. A class never changes, so nothing here goes stale
 * when a cluster comes, changes or goes: only looks that were never asked about cost a question.
 *
 * Not shared by equal requests of different jobs: their reasons name the vertices of each jobspec as it is written.
 */
import type { Class } from './classes.ts';
import type { Verdict } from './matcher.ts';

/** Beyond that many all are forgotten: what is free changes with every job, and a jobspec may wait for days. */
const MOST = 50_000;

export class Answers {
  /** By the id of the root's class; 0 where nothing is left. */
  readonly #byLook = new Map<number, Verdict>();

  find(root: Class | null): Verdict | undefined {
    return this.#byLook.get(root === null ? 0 : root.id);
  }

  keep(root: Class | null, verdict: Verdict): Verdict {
    if (this.#byLook.size >= MOST) this.#byLook.clear();
    this.#byLook.set(root === null ? 0 : root.id, verdict);
    return verdict;
  }
}
