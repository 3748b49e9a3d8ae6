/** Something is wrong with an expression, where it is read or where it is evaluated. */
export class ExpressionError extends Error {
  /** Offset in the expression, from 0; null where the values are at fault, not the text. */
  readonly at: number | null;

  constructor(message: string, at: number | null = null) {
    super(at === null ? message : `${message} (at character ${at + 1})`);
    this.name = 'ExpressionError';
    this.at = at;
  }
}
