/**
 * Selection policies of the operator's own: ES modules named in the server's settings, loaded at start. The module's
 * default export is a policy (core/select/policy.ts): an object with `compile(options)`, which gives a function of
 * (input) that answers {order, notes}. It runs in the server, with all that the server may do.
 */
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { RainbowError } from '../core/errors.ts';
import { registerPolicy } from '../core/select/policies.ts';
import type { Policy } from '../core/select/policy.ts';

/** Throws `failed_precondition` where a module does not load or is no policy; `place` says where it was named. */
export async function loadPolicies(
  files: Readonly<Record<string, string>>,
  folder: string,
  place: (name: string) => string,
): Promise<void> {
  for (const [name, file] of Object.entries(files)) {
    const path = resolve(folder, file);
    registerPolicy(name, await load(path, place(name)));
  }
}

async function load(path: string, place: string): Promise<Policy> {
  let module: { readonly default?: unknown };
  try {
    module = (await import(pathToFileURL(path).href)) as typeof module;
  } catch (error) {
    // Node says from which file of ours it was asked for; that helps nobody.
    const why = (error instanceof Error ? error.message : String(error)).replace(/ imported from .*$/s, '');
    throw new RainbowError('failed_precondition', `${path} does not load: ${why}`, { place, cause: error });
  }
  if (isPolicy(module.default)) return module.default;
  throw new RainbowError(
    'failed_precondition',
    `${path} is no policy: its default export must be an object with a function \`compile(options)\``,
    { place },
  );
}

function isPolicy(value: unknown): value is Policy {
  return typeof value === 'object' && value !== null && 'compile' in value && typeof value.compile === 'function';
}
