/**
 * Patterns in the names of output files: sbatch's `%j` and the templates that jobspecs have (`{{id}}`, as in Flux;
 * docs/translating.md lists them). Both ways, and back to the same; and with what is known before a job has its number.
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

/** By template (`array.index`), what stands for it. */
export type Known = ReadonlyMap<string, string>;

/** What Rainbow itself knows of a job, as parts of a file's name. An array that the cluster is given is not meant. */
export function knownOf(name: string, array: { readonly id: string; readonly index: number } | undefined): Known {
  return new Map([
    ['name', name.replaceAll(/[/\\]/g, '_')],
    ...(array === undefined
      ? []
      : ([
          ['array.id', array.id],
          ['array.index', String(array.index)],
          ['array.index10', String(array.index % 10)],
        ] as const)),
  ]);
}

/** A pattern of sbatch's; what is not known stays in it. */
export function fillPattern(path: string, known: Known): string {
  if (path.includes('\\')) return path;
  return path.replaceAll(
    /%(?:(\d{0,2})([A-Za-z])|%)/g,
    (all, width: string | undefined, letter: string | undefined) => {
      const value = letter === undefined ? undefined : known.get(TEMPLATES[letter] ?? '');
      return value === undefined ? all : padded(value, width).replaceAll('%', '%%');
    },
  );
}

/** The same of a path with templates. */
export function fillTemplates(path: string, known: Known): string {
  return path.replaceAll(/\{\{([^{}]*?)(?::(\d{1,2}))?\}\}/g, (all, name: string, width: string | undefined) => {
    const value = known.get(/^job-?name$/.test(name) ? 'name' : name);
    return value === undefined ? all : padded(value, width);
  });
}

/** sbatch's limit is 10; of what is no number it takes no notice. */
function padded(value: string, width: string | undefined): string {
  return /^\d+$/.test(value) ? value.padStart(Math.min(Number(width ?? 0), 10), '0') : value;
}
