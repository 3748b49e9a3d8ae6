/**
 * What an image needs of the machine: asked of its registry at submit, if the operator's allow list has that registry.
 * Answers are kept, by tag for a minute, and what was read of an artifact by its digest, both bounded; callers that ask
 * for one image at once share one answer.
 */
import { RainbowError } from '../../core/errors.ts';
import type { Compatibility } from '../../core/image/compatibility.ts';
import { readCompatibility } from '../../core/image/read.ts';
import type { ResolvedImage } from '../../core/image/resolved.ts';
import type { System } from '../../system/system.ts';
import { findArtifact, type Artifact } from './artifact.ts';
import { FetchError, type HttpGet } from './http.ts';
import { readReference, type Reference } from './reference.ts';
import { createRegistry, type Registry } from './registry.ts';
import { DOCKER, type ImageSettings } from './settings.ts';

export interface Images {
  /**
   * Null where the operator allows no registry at all. Throws `unavailable` where the registry cannot be asked, or what
   * it has cannot be read (with `onError: warn` that is a note of the answer), `resource_exhausted` where too many ask.
   */
  resolve(image: string): Promise<ResolvedImage | null>;
}

export interface ImagesDependencies {
  readonly settings: ImageSettings;
  readonly system: System;
  readonly http: HttpGet;
  readonly log: { warn(fields: object, message: string): void };
}

const MOST_AT_ONCE = 16;
const MOST_ANSWERS = 1_000;
const MOST_DOCUMENTS = 256;

export function createImages({ settings, system, http, log }: ImagesDependencies): Images {
  const { clock, timers } = system;
  const registries = new Map<string, Registry>();
  for (const [name, each] of settings.registries) registries.set(name, createRegistry(name, each, http, clock));
  const answers = new Map<string, { readonly resolved: ResolvedImage; readonly until: number }>();
  const documents = new Map<string, Compatibility>();
  const asking = new Map<string, Promise<ResolvedImage>>();

  const none = (image: string, note: string): ResolvedImage => ({
    source: 'none',
    image,
    digest: '',
    artifact: '',
    mediaType: '',
    note,
    needs: null,
  });

  /** By digest: what is read once is the same for ever. */
  const read = ({ digest, text }: Artifact): Compatibility => {
    const known = documents.get(digest);
    if (known !== undefined) return known;
    const needs = readCompatibility(text, 'compatibility');
    bound(documents, MOST_DOCUMENTS);
    documents.set(digest, needs);
    return needs;
  };

  const ask = async (image: string, registry: Registry, reference: Reference): Promise<ResolvedImage> => {
    const controller = new AbortController();
    const timer = timers.after(settings.timeoutMs, () => controller.abort());
    try {
      const { repository } = reference;
      const { platform } = settings;
      const artifact = await findArtifact({ registry, repository, platform, signal: controller.signal }, reference);
      if (artifact === null) return none(image, '');
      const { subject, digest, mediaType } = artifact;
      return {
        source: 'artifact',
        image,
        digest: subject,
        artifact: digest,
        mediaType,
        note: '',
        needs: read(artifact),
      };
    } finally {
      timer.cancel();
    }
  };

  const fetched = async (image: string, registry: Registry, reference: Reference): Promise<ResolvedImage> => {
    try {
      const resolved = await ask(image, registry, reference);
      bound(answers, MOST_ANSWERS);
      answers.set(image, { resolved, until: clock.monotonic() + settings.keepMs });
      return resolved;
    } catch (error) {
      const isBad = error instanceof RainbowError && error.code === 'invalid_input';
      if (!(error instanceof FetchError) && !isBad) throw error;
      log.warn({ image, error: error.message }, 'what an image needs could not be found');
      const message = `what the image needs could not be found: ${error.message}`;
      if (settings.onError === 'warn') return none(image, message);
      throw new RainbowError(
        'unavailable',
        `${message}; submit it again later, or say what it needs (attributes.compatibility, --compatibility)`,
        { place: `image ${image}`, cause: error },
      );
    }
  };

  return {
    async resolve(image) {
      if (registries.size === 0) return null;
      const written = readReference(image);
      if (written === null)
        return none(image, 'it is no name of an image in a registry, so nobody was asked what it needs');
      const reference = qualified(written);
      const registry = registries.get(reference.registry);
      if (registry === undefined) {
        const whose =
          reference.registry === ''
            ? 'names no registry'
            : `is of ${reference.registry}, which is not on this server's list`;
        return none(image, `it ${whose} (images.registries), so nobody was asked what it needs`);
      }
      const known = answers.get(image);
      if (known !== undefined && known.until > clock.monotonic()) return known.resolved;
      const running = asking.get(image);
      if (running !== undefined) return running;
      if (asking.size >= MOST_AT_ONCE) {
        throw new RainbowError('resource_exhausted', `${MOST_AT_ONCE} images are being looked up now; submit it again`);
      }
      const asked = fetched(image, registry, reference).finally(() => asking.delete(image));
      asking.set(image, asked);
      return asked;
    },
  };

  /** As Docker completes a name, if the list has Docker's registry. */
  function qualified(reference: Reference): Reference {
    if (!registries.has(DOCKER)) return reference;
    const registry =
      reference.registry === '' || reference.registry === 'index.docker.io' ? DOCKER : reference.registry;
    const { repository } = reference;
    const isShort = registry === DOCKER && !repository.includes('/');
    return { ...reference, registry, repository: isShort ? `library/${repository}` : repository };
  }
}

/** The oldest goes. */
function bound(map: Map<string, unknown>, most: number): void {
  if (map.size < most) return;
  const oldest = map.keys().next();
  if (oldest.done !== true) map.delete(oldest.value);
}
