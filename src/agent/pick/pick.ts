/**
 * What a pick is: how an agent chooses among the jobs that are assigned to its cluster. One method, stateless.
 * Where it stops: it never decides how many (that is `--max-jobs`), and never holds anything.
 */
import type { Jobspec } from '../../core/jobspec/jobspec.ts';
import type { Order } from '../runners/runner.ts';

export interface Offer {
  readonly order: Order;
  /** Null where this version cannot read it. */
  readonly jobspec: Jobspec | null;
}

export interface Pick {
  /**
   * A number: it is wanted, the lowest first, and of equal ones the one that the server offered first. A text: it is left
   * lying, and that is why.
   */
  rank(offer: Offer): number | string;
}

export interface PickKind {
  /** The server may send jobs without asking first. */
  readonly takesAll: boolean;
  /** Throws `invalid_input` for options that it does not have. */
  open(options: Readonly<Record<string, string>>): Pick;
}
