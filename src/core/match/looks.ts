/** Clusters by what they look like: those whose whole trees are one class are listed together. */
import type { Class } from './classes.ts';

interface Look {
  readonly clusters: Set<string>;
  /** The same as a list that nobody changes; null until somebody wants it. */
  names: readonly string[] | null;
}

export class Looks {
  readonly #byRoot = new Map<Class, Look>();

  /** Null: a cluster of nothing, which is listed nowhere. */
  add(root: Class | null, cluster: string): void {
    if (root === null) return;
    let look = this.#byRoot.get(root);
    if (look === undefined) this.#byRoot.set(root, (look = { clusters: new Set(), names: null }));
    look.clusters.add(cluster);
    look.names = null;
  }

  remove(root: Class | null, cluster: string): void {
    if (root === null) return;
    const look = this.#byRoot.get(root);
    if (look?.clusters.delete(cluster) !== true) return;
    look.names = null;
    if (look.clusters.size === 0) this.#byRoot.delete(root);
  }

  *[Symbol.iterator](): Generator<readonly [root: Class, clusters: readonly string[]]> {
    for (const [root, look] of this.#byRoot) yield [root, (look.names ??= [...look.clusters])];
  }
}
