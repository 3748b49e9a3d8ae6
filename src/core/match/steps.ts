/** The budget of one question. Running out is no error: the answer is then `unknown`. */
export class Steps {
  #left: number;

  constructor(budget: number) {
    this.#left = budget;
  }

  get left(): number {
    return this.#left;
  }

  spend(steps: number): void {
    this.#left -= steps;
    if (this.#left < 0) throw outOfSteps;
  }
}

/** Thrown by `spend`, caught where a question begins. */
export const outOfSteps = new Error('the step budget is spent');
