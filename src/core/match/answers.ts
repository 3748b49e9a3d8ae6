/**
 * Verdicts by question and look: what is asked of one class is not asked again of an equal one, whichever cluster has
 * it, whether it is all of that cluster or what is free of it. A class never changes, so nothing here goes stale when a
 * cluster comes, changes or goes: only looks that were never asked about cost a question. Not shared by equal requests
 * of different jobs: their reasons name the vertices of each jobspec as it is written.
 */
import type { Class } from './classes.ts';
import type { Verdict } from './matcher.ts';
import type { Question } from './question.ts';

/** Verdicts that are kept: beyond that many all are forgotten. */
const MOST = 100_000;

/** By the id of the root's class; 0 where nothing is left. */
type ByLook = Map<number, Verdict>;

export class Answers {
  #byQuestion = new WeakMap<Question, ByLook>();
  #count = 0;
  #made = 0;

  /** Verdicts that were worked out since the beginning. */
  get made(): number {
    return this.#made;
  }

  get(question: Question, root: Class | null, ask: () => Verdict): Verdict {
    const look = root?.id ?? 0;
    const known = this.#of(question).get(look);
    if (known !== undefined) return known;
    const verdict = ask();
    this.#made++;
    if (++this.#count > MOST) this.forget();
    this.#of(question).set(look, verdict);
    return verdict;
  }

  #of(question: Question): ByLook {
    let byLook = this.#byQuestion.get(question);
    if (byLook === undefined) this.#byQuestion.set(question, (byLook = new Map()));
    return byLook;
  }

  forget(): void {
    this.#byQuestion = new WeakMap();
    this.#count = 0;
  }
}
