/** What a job's owner asked for of files; the lists themselves are kept apart, by their ids. */
export interface Staging {
  /** The list of what is sent along, as the store keeps it; null: nothing is. */
  readonly set: string | null;
  readonly files: number;
  readonly bytes: number;
  /** What is to come back: pattern.ts. */
  readonly out: readonly string[];
}
