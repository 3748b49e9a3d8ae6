/**
 * The numbers of events that this store wrote and whose callers were answered: nobody here has to be told of them
 * again. One whose commit was lost sight of is not among them. Kept as runs, until whoever follows has passed them.
 */
export class OwnEvents {
  /** Ascending, apart from each other: first and last. */
  #runs: { readonly first: number; last: number }[] = [];

  add(first: number, last: number): void {
    const before = this.#runs.at(-1);
    if (before !== undefined && before.last === first - 1) before.last = last;
    else if (before === undefined || before.last < first) this.#runs.push({ first, last });
  }

  has(seq: number): boolean {
    return this.#runs.some(({ first, last }) => first <= seq && seq <= last);
  }

  /** The last of the own ones that follow `seq` without a gap; `seq` where the next is not own. */
  after(seq: number): number {
    for (const { first, last } of this.#runs) if (first <= seq + 1 && seq < last) return last;
    return seq;
  }

  /** Nobody asks for those up to `seq` any more. */
  forget(seq: number): void {
    this.#runs = this.#runs.filter(({ last }) => last > seq);
  }
}
