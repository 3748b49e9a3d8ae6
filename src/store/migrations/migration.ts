/**
 * What a migration is, and the words in which the engines differ. A migration that has been released is never
 * changed; a change of the schema is the next number. Both engines run the same list.
 */
export interface Words {
  /** A 64-bit key that the database counts up and never gives twice. */
  readonly serial: string;
  /** A 64-bit whole number. */
  readonly integer: string;
  /** A 64-bit floating-point number. */
  readonly real: string;
  readonly bytes: string;
  /** What ends a CREATE TABLE. */
  readonly strict: string;
}

export interface Migration {
  readonly number: number;
  readonly name: string;
  statements(words: Words): readonly string[];
}

export const SQLITE_WORDS: Words = {
  serial: 'INTEGER PRIMARY KEY AUTOINCREMENT',
  integer: 'INTEGER',
  real: 'REAL',
  bytes: 'BLOB',
  strict: 'STRICT',
};
