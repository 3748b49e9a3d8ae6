/** An image's name taken apart: registry, repository, tag or digest (the distribution specification's grammar). */
import { invalid } from '../errors.ts';

export interface Reference {
  /** `host` or `host:port`, in lower case; '' where the name begins with the repository. */
  readonly registry: string;
  readonly repository: string;
  /** '' where there is a digest and no tag; `latest` where there is neither. */
  readonly tag: string;
  /** `sha256:…`; counts over the tag. '' where there is none. */
  readonly digest: string;
}

const REPOSITORY = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*$/;
const TAG = /^\w[\w.-]{0,127}$/;
const HOST = /^(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*|\[[0-9a-f:]+\])(?::\d{1,5})?$/;
export const DIGEST = /^(?:sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128})$/;

/** Equal for names that mean the same. */
export function keyOf({ registry, repository, tag, digest }: Reference): string {
  return `${registry}/${repository}${digest === '' ? `:${tag}` : `@${digest}`}`;
}

/** The same name. Throws `invalid_input` where it is none, and says what is one. */
export function checkImage(image: string, place: string): string {
  if (readReference(image) !== null) return image;
  throw invalid(
    place,
    `${JSON.stringify(image.slice(0, 200))} is no name of an image in a registry: NAME, NAME:TAG or NAME@sha256:…, as ` +
      'debian:12 or ghcr.io/me/app:1. A file (a path, a .sif) is none',
  );
}

/** Null where it is none: a path of a file, say, or `app.sif` (which a tag makes a name again: `app.sif:1`). */
export function readReference(image: string): Reference | null {
  const name = image.replace(/^(?:docker|oci):\/\//, '');
  if (name.length > 512) return null;
  const at = name.indexOf('@');
  const digest = at === -1 ? '' : name.slice(at + 1);
  if (at !== -1 && !DIGEST.test(digest)) return null;
  const tagged = at === -1 ? name : name.slice(0, at);
  const slash = tagged.indexOf('/');
  const first = slash === -1 ? '' : tagged.slice(0, slash).toLowerCase();
  const isHost = first !== '' && (/[.:]/.test(first) || first === 'localhost');
  if (isHost && !HOST.test(first)) return null;
  const rest = isHost ? tagged.slice(slash + 1) : tagged;
  const colon = rest.indexOf(':');
  const repository = colon === -1 ? rest : rest.slice(0, colon);
  const tag = colon === -1 ? (digest === '' ? 'latest' : '') : rest.slice(colon + 1);
  if (!REPOSITORY.test(repository) || repository.length > 255) return null;
  if (colon === -1 && at === -1 && repository.endsWith('.sif')) return null;
  if ((tag !== '' || colon !== -1) && !TAG.test(tag)) return null;
  return { registry: isHost ? first : '', repository, tag, digest };
}
