/**
 * Patterns in the names of output files: sbatch's `%j` and the templates that jobspecs have (`{{id}}`, as in Flux;
 * docs/translating.md lists them). Both ways, and back to the same.
 */
const TEMPLATES: Readonly<Record<string, string>> = {
  A: 'array.id',
  a: 'array.index',
  b: 'array.index10',
  J: 'step.id',
  j: 'id',
  N: 'host',
  n: 'node.rank',
  s: 'step',
  t: 'task.rank',
  u: 'user',
  x: 'name',
};
const LETTERS = new Map(Object.entries(TEMPLATES).map(([letter, name]) => [name, letter]));

/** Before a backslash sbatch expands nothing at all. */
export function fromPattern(path: string): string {
  if (path.includes('\\')) return path.replaceAll('\\', '');
  return path.replaceAll(
    /%(?:(\d{0,2})([A-Za-z])|%)/g,
    (all, width: string | undefined, letter: string | undefined) => {
      if (letter === undefined) return '%';
      const name = TEMPLATES[letter];
      if (name === undefined) return all;
      return width === '' || width === undefined ? `{{${name}}}` : `{{${name}:${width}}}`;
    },
  );
}

/** null where a template has no letter in sbatch. */
export function toPattern(path: string): string | null {
  let known = true;
  const written = path.replaceAll(
    /\{\{([^{}]*?)(?::(\d{1,2}))?\}\}|%/g,
    (all, name: string | undefined, width = '') => {
      if (name === undefined) return '%%';
      const letter = LETTERS.get(name);
      if (letter === undefined) known = false;
      return letter === undefined ? all : `%${width as string}${letter}`;
    },
  );
  return known && !written.includes('\\') ? written : null;
}
