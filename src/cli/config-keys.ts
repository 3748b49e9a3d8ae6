/**
 * Keys of the client's configuration that say nothing to Rainbow. They are no error, because others may keep theirs in
 * the same file; but a key that is misspelt would go unseen, so they are told.
 */
import { readText } from '../config/file.ts';
import { toPlain } from '../config/plain.ts';
import { readOptionalDocument } from '../core/jobspec/document.ts';
import type { Invocation } from './invocation.ts';
import { clean } from './paint.ts';

/** What may stand there: keys with what is below them; a list is of entries alike; null is anything. */
type Known = { readonly [key: string]: Known | null };

const CREDENTIAL: Known = { name: null, token: null, secret: null };
const ALGORITHM: Known = { name: null, options: null };
const KNOWN: Known = {
  host: null,
  scheduler: { name: null, secret: null, algorithms: { selection: ALGORITHM, match: ALGORITHM } },
  cluster: CREDENTIAL,
  graphdatabase: { name: null, host: null, options: null },
  clusters: CREDENTIAL,
  groups: CREDENTIAL,
};

/** The paths of keys that are not known: `clusters[0].tokn`. The text is one that could be read as a configuration. */
export function unknownKeys(text: string): readonly string[] {
  const document = readOptionalDocument(text, 'configuration');
  return document === null ? [] : below(toPlain(document), KNOWN, '');
}

function below(value: unknown, known: Known, path: string): readonly string[] {
  if (Array.isArray(value)) return value.flatMap((each, i) => below(each, known, `${path}[${i}]`));
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, under]) => {
    const here = path === '' ? key : `${path}.${key}`;
    if (!Object.hasOwn(known, key)) return [here];
    const next = known[key] ?? null;
    return next === null ? [] : below(under, next, here);
  });
}

const told = new WeakSet<object>();

/** Once for each command line. */
export async function tellUnknownKeys({ io }: Pick<Invocation, 'io'>, path: string): Promise<void> {
  if (told.has(io)) return;
  told.add(io);
  const keys = unknownKeys((await readText(path)) ?? '');
  if (keys.length > 0) {
    const which = keys.length === 1 ? 'this key is not known, so it has' : 'these keys are not known, so they have';
    io.stderr.write(`rainbow: ${clean(path)}: ${clean(keys.join(', '))}: ${which} no effect; misspelt?\n`);
  }
}
