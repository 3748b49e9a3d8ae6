/** What is wrong with a store, as it is told: where, what, and what to do. */
export interface Finding {
  /** The rule that found it; stable, for programs. */
  readonly rule: string;
  /** `job 17`, `table events`. */
  readonly where: string;
  readonly what: string;
  readonly remedy: string;
}
