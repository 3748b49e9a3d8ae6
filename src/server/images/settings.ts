/** Which registries the server may ask about images, and how. */

export interface ImageSettings {
  /** The allow list, by the registry's name in references. Empty: nobody is asked. */
  readonly registries: ReadonlyMap<string, RegistrySettings>;
  /** Where a registry cannot be asked: refuse the job, or take it and say so. */
  readonly onError: 'fail' | 'warn';
  /** For all that one image takes, in milliseconds. */
  readonly timeoutMs: number;
  /** How long a tag is taken to mean the same, in milliseconds. */
  readonly keepMs: number;
  /** Of an index that has no artifact of its own, whose artifact is looked at. */
  readonly platform: { readonly os: string; readonly architecture: string };
  /** File of compspec's that pairs images with artifacts; '' where there is none. */
  readonly manifest: string;
}

export interface RegistrySettings {
  /** `host` or `host:port` that is called. */
  readonly endpoint: string;
  /** Without TLS. */
  readonly plainHttp: boolean;
  /** May it, and where it redirects to, have an address of a private network? */
  readonly privateNetwork: boolean;
  /** Other hosts that it may send us to (for tokens, for blobs): `host`, `host:port`, `*.domain`. */
  readonly hosts: readonly string[];
  /** '' where nobody logs in. */
  readonly username: string;
  readonly password: string;
  /** File of the authority that signs for it and for `hosts`, beside those that the system knows; ''. */
  readonly ca: string;
}

export const NO_IMAGES: ImageSettings = {
  registries: new Map(),
  onError: 'fail',
  timeoutMs: 10_000,
  keepMs: 60_000,
  platform: { os: 'linux', architecture: 'amd64' },
  manifest: '',
};

/** The registry of references that name none, where the allow list has it. */
export const DOCKER = 'docker.io';

/** What Docker's own registry needs, unless the operator says otherwise. */
export const DOCKER_DEFAULTS = {
  endpoint: 'registry-1.docker.io',
  hosts: ['auth.docker.io', 'production.cloudflare.docker.com'],
} as const;
