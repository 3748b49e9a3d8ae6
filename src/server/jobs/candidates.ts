/** Which clusters a submit or a match may look at. */
import { invalid, RainbowError } from '../../core/errors.ts';
import { checkName } from '../../core/names.ts';
import type { Credential, Opened } from '../authenticate.ts';
import type { CallContext } from '../call.ts';
import { LIMITS } from '../limits.ts';
import type { Parts } from '../parts.ts';

/** Names and tokens as sent; one that lacks either is an error at its place. */
export async function openCredentials(
  parts: Parts,
  call: CallContext,
  credentials: readonly Credential[],
): Promise<Opened> {
  for (const [i, { name, token }] of credentials.entries()) {
    if (name === '') throw invalid(`credentials[${i}].name`, 'is empty; name the cluster or cluster group');
    if (token === '') throw invalid(`credentials[${i}].token`, 'is empty; send the token that opens it');
  }
  return parts.authenticator.credentials(credentials, call);
}

/**
 * `allowed`, restricted to the names asked for, sorted. Throws `permission_denied` for a name outside: the same for a
 * cluster that exists and for one that does not.
 */
export function restrict(allowed: readonly string[], asked: readonly string[]): readonly string[] {
  if (asked.length === 0) return allowed;
  if (asked.length > LIMITS.clusters) throw invalid('clusters', `names ${asked.length}; at most ${LIMITS.clusters}`);
  const open = new Set(allowed);
  const wanted = new Set(asked.map((name, i) => checkName(name, `clusters[${i}]`)));
  for (const name of wanted) {
    if (!open.has(name)) {
      throw new RainbowError(
        'permission_denied',
        `clusters: your credentials do not open "${name}"; send its name and token, or leave it out`,
      );
    }
  }
  return allowed.filter((name) => wanted.has(name));
}
