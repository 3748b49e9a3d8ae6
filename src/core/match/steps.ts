/** The budget of one question. Running out is no error: the answer is then `unknown`. */
export class Steps {
  #left: number;

  constructor(budget: number) {
    this.#left = budget;
  }

  begin(budget: number): void {
    this.#left = budget;
  }

  get left(): number {
    return this.#left;
  }

  /** Runs with at most so many steps; null where they did not do. */
  within<T>(most: number, work: () => T): T | null {
    const kept = Math.max(0, this.#left - most);
    this.#left -= kept;
    try {
      return work();
    } catch (error) {
      if (error === outOfSteps && kept > 0) return null;
      throw error;
    } finally {
      this.#left = Math.max(0, this.#left) + kept;
    }
  }

  spend(steps: number): void {
    this.#left -= steps;
    if (this.#left < 0) throw outOfSteps;
  }
}

/** Thrown by `spend`, caught where a question begins. */
export const outOfSteps = new Error('the step budget is spent');
