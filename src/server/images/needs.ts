/** What the image of one call's job needs: from the jobspec, from what was sent beside it, or from its registry. */
import { invalid, RainbowError } from '../../core/errors.ts';
import { readManifest } from '../../core/image/manifest.ts';
import { readCompatibility } from '../../core/image/read.ts';
import { withResolved, type ResolvedImage } from '../../core/image/resolved.ts';
import type { Jobspec } from '../../core/jobspec/jobspec.ts';
import type { Parts } from '../parts.ts';
import { MOST_ARTIFACT_BYTES } from './contents.ts';

export interface Needs {
  /** Null: it names no image, or nobody may be asked. */
  readonly resolved: ResolvedImage | null;
  readonly jobspec: Jobspec;
}

/**
 * `given`: a compatibility document, or a manifest that names one; '' where none was sent. `isKnown`: has the caller
 * shown who it is? No registry is asked on the word of somebody who is not known.
 */
export async function imageNeeds(
  parts: Pick<Parts, 'images'>,
  jobspec: Jobspec,
  given: string,
  isKnown = true,
): Promise<Needs> {
  const resolved = await resolve(parts, jobspec, given, isKnown);
  return { resolved, jobspec: withResolved(jobspec, resolved) };
}

async function resolve(
  { images }: Pick<Parts, 'images'>,
  jobspec: Jobspec,
  given: string,
  isKnown: boolean,
): Promise<ResolvedImage | null> {
  const { image } = jobspec;
  if (given !== '') {
    if (jobspec.request.image)
      throw invalid('compatibility', 'the jobspec says itself what its image needs; send one of the two');
    if (Buffer.byteLength(given) > MOST_ARTIFACT_BYTES) {
      throw new RainbowError('resource_exhausted', `is over ${MOST_ARTIFACT_BYTES / 1024} KiB`, {
        place: 'compatibility',
      });
    }
    const pairs = readManifest(given, 'compatibility');
    if (pairs !== null && !isKnown) {
      throw new RainbowError(
        'unauthenticated',
        'a manifest names artifacts that would be fetched: send the names and tokens of the clusters that you may use',
        { place: 'compatibility' },
      );
    }
    if (pairs !== null) return images.resolvePaired(image ?? '', pairs);
    const needs = readCompatibility(given, 'compatibility');
    return { source: 'given', image: image ?? '', digest: '', artifact: '', mediaType: '', note: '', needs };
  }
  return image === null || jobspec.request.image || !isKnown ? null : images.resolve(image);
}
