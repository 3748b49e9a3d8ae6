/** A list of 32-bit numbers that grows: 4 bytes each, where an array may take 8 and an object of numbers 40. */
export class Numbers {
  #items = new Int32Array(1024);
  #length = 0;

  get length(): number {
    return this.#length;
  }

  push(value: number): void {
    if (this.#length === this.#items.length) {
      const larger = new Int32Array(2 * this.#length);
      larger.set(this.#items);
      this.#items = larger;
    }
    this.#items[this.#length++] = value;
  }

  get(at: number): number {
    return this.#items[at] as number;
  }

  /** Of one that is there, or the next. */
  set(at: number, value: number): void {
    if (at === this.#length) this.push(value);
    else this.#items[at] = value;
  }

  fill(value: number): void {
    this.#items.fill(value, 0, this.#length);
  }

  /** A copy of just what is in it: its buffer may be given away. */
  take(): Int32Array {
    return this.#items.slice(0, this.#length);
  }
}
