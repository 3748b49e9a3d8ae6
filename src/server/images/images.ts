/**
 * What an image needs of the machine: asked of its registry at submit, if the operator's allow list has that registry.
 * Answers are kept, by tag for a minute, and contents and what was read of them by digest, all bounded; callers that
 * ask for one image at once share one answer.
 */
import { invalid, RainbowError } from '../../core/errors.ts';
import type { Compatibility } from '../../core/image/compatibility.ts';
import type { Pairs } from '../../core/image/manifest.ts';
import { readCompatibility } from '../../core/image/read.ts';
import type { ResolvedImage } from '../../core/image/resolved.ts';
import type { System } from '../../system/system.ts';
import { fetchNamed, findArtifact, type Artifact } from './artifact.ts';
import { NO_FILES, type ImageFiles } from './files.ts';
import { FetchError, type HttpGet } from './http.ts';
import { keptContents } from './kept.ts';
import { keyOf, readReference, type Reference } from '../../core/image/reference.ts';
import { createRegistry, type Registry } from './registry.ts';
import { DOCKER, type ImageSettings } from './settings.ts';

export interface Images {
  /**
   * Null where the operator allows no registry at all. Throws `unavailable` where the registry cannot be asked, or what
   * it has cannot be read (with `onError: warn` that is a note of the answer), `resource_exhausted` where too many ask.
   */
  resolve(image: string): Promise<ResolvedImage | null>;
  /** By the artifact that `pairs` names for it. Throws besides `invalid_input` where they name none. */
  resolvePaired(image: string, pairs: Pairs): Promise<ResolvedImage>;
}

export interface ImagesDependencies {
  readonly settings: ImageSettings;
  /** What the settings name; nothing. */
  readonly files?: ImageFiles | undefined;
  readonly system: System;
  readonly http: HttpGet;
  readonly log: { warn(fields: object, message: string): void };
}

interface Question {
  readonly image: string;
  readonly registry: Registry;
  /** Of the image, or of the artifact that is paired with it. */
  readonly reference: Reference;
  readonly isPaired: boolean;
}

const MOST_AT_ONCE = 16;
const MOST_ANSWERS = 1_000;
const MOST_DOCUMENTS = 256;

export function createImages({ settings, files = NO_FILES, system, http, log }: ImagesDependencies): Images {
  const { clock, timers } = system;
  const registries = new Map<string, Registry>();
  for (const [name, each] of settings.registries) {
    const authorities = files.authorities.get(name);
    registries.set(name, createRegistry(name, each, { http, clock, authorities }));
  }
  const answers = new Map<string, { readonly resolved: ResolvedImage; readonly until: number }>();
  const kept = keptContents();
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

  const ask = async ({ image, registry, reference, isPaired }: Question): Promise<ResolvedImage> => {
    const controller = new AbortController();
    const timer = timers.after(settings.timeoutMs, () => controller.abort());
    try {
      const { repository } = reference;
      const { platform } = settings;
      const finding = { registry, repository, platform, kept, signal: controller.signal };
      const artifact = await (isPaired ? fetchNamed(finding, reference) : findArtifact(finding, reference));
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

  const fetched = async (key: string, question: Question): Promise<ResolvedImage> => {
    const { image } = question;
    try {
      const resolved = await ask(question);
      bound(answers, MOST_ANSWERS);
      answers.set(key, { resolved, until: clock.monotonic() + settings.keepMs });
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

  /** `artifact`: its name, where one is paired with the image; else what refers to the image is looked for. */
  const lookUp = async (image: string, artifact: string | null): Promise<ResolvedImage> => {
    const name = artifact ?? image;
    const what = artifact === null ? 'it' : `its artifact ${artifact}`;
    const written = readReference(name);
    if (written === null) {
      return none(image, `${what} is no name of an image in a registry, so nobody was asked what it needs`);
    }
    const reference = qualified(written);
    const registry = registries.get(reference.registry);
    if (registry === undefined) {
      const whose =
        reference.registry === ''
          ? 'names no registry'
          : `is of ${reference.registry}, which is not on this server's list`;
      return none(image, `${what} ${whose} (images.registries), so nobody was asked what it needs`);
    }
    const key = artifact === null ? image : `${image} ${artifact}`;
    const known = answers.get(key);
    if (known !== undefined && known.until > clock.monotonic()) return known.resolved;
    const running = asking.get(key);
    if (running !== undefined) return running;
    if (asking.size >= MOST_AT_ONCE) {
      throw new RainbowError('resource_exhausted', `${MOST_AT_ONCE} images are being looked up now; submit it again`);
    }
    const question = { image, registry, reference, isPaired: artifact !== null };
    const asked = fetched(key, question).finally(() => asking.delete(key));
    asking.set(key, asked);
    return asked;
  };

  return {
    async resolve(image) {
      if (registries.size === 0) return null;
      return lookUp(image, pairedWith(image, files.pairs));
    },
    async resolvePaired(image, pairs) {
      const artifact = pairedWith(image, pairs);
      if (artifact !== null) return lookUp(image, artifact);
      const whose = image === '' ? 'the jobspec names no image (attributes.image)' : `it pairs nothing with ${image}`;
      throw invalid('compatibility', `is a manifest of images and their artifacts, and ${whose}`);
    },
  };

  /** Null: nothing. Names that mean the same are the same. */
  function pairedWith(image: string, pairs: Pairs): string | null {
    const exact = pairs.get(image);
    if (exact !== undefined || pairs.size === 0) return exact ?? null;
    const keyed = (name: string): string | null => {
      const reference = readReference(name);
      return reference === null ? null : keyOf(qualified(reference));
    };
    const wanted = keyed(image);
    if (wanted === null) return null;
    for (const [name, artifact] of pairs) if (keyed(name) === wanted) return artifact;
    return null;
  }

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
