/** What a job's image was found to need, as it is stored with the job and shown. */
import type { Jobspec } from '../jobspec/jobspec.ts';
import type { Compatibility } from './compatibility.ts';
import { constrain } from './constrain.ts';

export interface ResolvedImage {
  /**
   * `artifact`: fetched from the image's registry. `given`: sent beside the jobspec. `none`: the image has no artifact,
   * or nobody looked (`note` says why).
   */
  readonly source: 'artifact' | 'given' | 'none';
  /** As the jobspec names it; '' where it names none. */
  readonly image: string;
  /** Digest of the image that the artifact is about; '' where none was fetched, or a manifest says that it is. */
  readonly digest: string;
  /** Digest of the artifact's manifest, and what kind it says it is. */
  readonly artifact: string;
  readonly mediaType: string;
  /** For people. */
  readonly note: string;
  readonly needs: Compatibility | null;
}

export function writeResolved(resolved: ResolvedImage | null): string | null {
  return resolved === null ? null : JSON.stringify(resolved);
}

/** Ours: what `writeResolved` wrote. */
export function readResolved(text: string | null): ResolvedImage | null {
  return text === null ? null : (JSON.parse(text) as ResolvedImage);
}

/** The jobspec with what its image needs. What the jobspec itself says of that counts, and nothing else then. */
export function withResolved(jobspec: Jobspec, resolved: ResolvedImage | null): Jobspec {
  const needs = resolved?.needs ?? null;
  return needs === null || jobspec.request.image ? jobspec : constrain(jobspec, needs);
}

/** One line: `needs of sha256:… (nfd, 2 sets), found with sha256:…`. */
export function wordsOfResolved(resolved: ResolvedImage): string {
  const { image, needs, source, artifact, digest, note } = resolved;
  const name = image === '' ? 'the image' : image;
  if (needs === null) return note === '' ? `${name}: nothing is said of what it needs` : `${name}: ${note}`;
  const sets = `${needs.format}, ${needs.sets.length} ${needs.sets.length === 1 ? 'set' : 'sets'}`;
  if (source === 'given') return `${name}: its needs were given with the job (${sets})`;
  const how = digest === '' ? 'which a manifest pairs with it' : `found for ${digest}`;
  return `${name}: its needs are those of ${artifact} (${sets}), ${how}`;
}
