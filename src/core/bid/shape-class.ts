/**
 * The class of shapes that an outcome counts for: jobs of like size wait alike. Coarse on purpose: a record needs some
 * dozen outcomes before it says anything.
 */
export interface Size {
  readonly nodes: number;
  readonly gpus: number;
  /** Seconds. */
  readonly walltime: number;
}

const WALLTIMES = [
  [3_600, '1 h'],
  [6 * 3_600, '6 h'],
  [24 * 3_600, '1 d'],
] as const;

/** "up to 4 nodes, up to 6 h", "up to 1 node with gpus, over 1 d". */
export function shapeClass({ nodes, gpus, walltime }: Size): string {
  const most = [1, 4, 16, 64].find((bound) => nodes <= bound);
  const size = most === undefined ? 'over 64 nodes' : `up to ${most} node${most === 1 ? '' : 's'}`;
  const time = WALLTIMES.find(([seconds]) => walltime <= seconds);
  return `${size}${gpus > 0 ? ' with gpus' : ''}, ${time === undefined ? 'over 1 d' : `up to ${time[1]}`}`;
}
