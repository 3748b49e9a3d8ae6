/** A binary heap of numbers with an index each, in flat arrays: the estimate pops thousands of ends per question. */
export class MinHeap {
  private readonly keys: Float64Array;
  private readonly indices: Int32Array;
  size = 0;

  constructor(capacity: number) {
    this.keys = new Float64Array(capacity);
    this.indices = new Int32Array(capacity);
  }

  /** The smallest key; only while `size` > 0. */
  get least(): number {
    return this.keys[0]!;
  }

  push(key: number, index: number): void {
    const { keys, indices } = this;
    let at = this.size++;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (keys[parent]! <= key) break;
      keys[at] = keys[parent]!;
      indices[at] = indices[parent]!;
      at = parent;
    }
    keys[at] = key;
    indices[at] = index;
  }

  /** Index of the smallest key, which is taken out. */
  pop(): number {
    const { keys, indices } = this;
    const popped = indices[0]!;
    const size = --this.size;
    const key = keys[size]!;
    const index = indices[size]!;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= size) break;
      if (child + 1 < size && keys[child + 1]! < keys[child]!) child++;
      if (keys[child]! >= key) break;
      keys[at] = keys[child]!;
      indices[at] = indices[child]!;
      at = child;
    }
    keys[at] = key;
    indices[at] = index;
    return popped;
  }
}
