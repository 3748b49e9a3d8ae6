/** Names of clusters, groups and subsystems: exact, case-sensitive, never a pattern. */
import { invalid } from './errors.ts';

const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/;

export function isName(name: string): boolean {
  return NAME.test(name);
}

/** Throws `invalid_input` at `place` unless `name` is a name. */
export function checkName(name: string, place: string): string {
  if (!isName(name)) {
    const shown = name.length > 80 ? `${name.slice(0, 80)}…` : name;
    throw invalid(
      place,
      `${JSON.stringify(shown)} is not a name: use 1 to 63 letters, digits, dots, dashes or underscores, beginning with a letter or digit`,
    );
  }
  return name;
}
