/**
 * The server's settings file (YAML). A key that we do not know is refused and named, with the nearest that we know:
 * a setting that is dropped in silence is worse than a server that does not start. The prototype's server file is
 * taken too: its `scheduler` gives name, secret and selection, its other sections are the clients'.
 * Everything is checked when it is read, the selection policy's options included.
 */
import { dirname } from 'node:path';
import { z } from 'zod';
import { invalid, RainbowError } from '../core/errors.ts';
import { isObject } from '../core/graph/json.ts';
import { readOptionalDocument } from '../core/jobspec/document.ts';
import type { DocumentNode } from '../core/jobspec/document.ts';
import { policies, policyNamed } from '../core/select/policies.ts';
import {
  DOCKER,
  DOCKER_DEFAULTS,
  NO_IMAGES,
  type ImageSettings,
  type RegistrySettings,
} from '../server/images/settings.ts';
import { clientConfigOf } from './client.ts';
import { inFile, readText } from './file.ts';
import { nodeAt, toPlain } from './plain.ts';
import { loadPolicies } from './policies.ts';
import { serverSchema } from './server-schema.ts';

/** What is not set is absent; who uses it has the default that is named here. */
export interface ServerSettings {
  /** `ADDRESS:PORT` to listen on. */
  readonly host?: string;
  /** The store: a file, or `:memory:`. */
  readonly database?: string;
  readonly name?: string;
  readonly secret?: string;
  readonly globalToken?: string;
  /** Files in PEM. */
  readonly tls?: {
    readonly ca?: string;
    readonly cert: string;
    readonly key: string;
    /** Refuse clients without a certificate of that authority; false. The prototype's Python client shows none. */
    readonly requireClientCertificate?: boolean;
  };
  /** Selection policy where a submit names none; `random`. */
  readonly policy?: string;
  readonly policyOptions?: Readonly<Record<string, string>>;
  /** May a submit name another one? True. */
  readonly clientMayChoosePolicy?: boolean;
  /** Only one of these; any. */
  readonly allowedPolicies?: readonly string[];
  /** Policies of the operator's own: files of ES modules by name, from the folder of the settings. */
  readonly policies?: Readonly<Record<string, string>>;
  /** Steps that one question to the matcher may take; 200,000. */
  readonly matchBudget?: number;
  /** Bytes of one message; 64 MiB. */
  readonly messageBytes?: number;
  /** Submits that one owner may make in a second; no limit. */
  readonly submitsPerSecond?: number;
  /** Seconds that a polling client may hold a job without accepting it; 30. */
  readonly leaseSeconds?: number;
  /** Bytes that are kept of one task's stream of output; 1 MiB. */
  readonly outputCapBytes?: number;
  /** Bytes that a job may ask for instead; 64 MiB. */
  readonly outputCapMaxBytes?: number;
  readonly scheduler?: {
    /** What to do with a job that fits but cannot start now; `queue`. */
    readonly overcommit?: 'queue' | 'deny';
    /** Seconds, for a job that gives none; 3600. */
    readonly defaultWalltime?: number;
    /** Seconds after the walltime of a job that a polling client accepted: then it counts as not reported. */
    readonly notReportedGrace?: number;
    /** How long ended jobs are kept; for ever. */
    readonly retention?: { readonly days: number | null; readonly count: number | null; readonly every: number };
    /** Seconds that files are kept which no job names; 86,400. */
    readonly filesUnused?: number;
    /** Bytes of them that are kept at most; 16 GiB. */
    readonly filesUnusedBytes?: number;
    /** Seconds after which a job that an agent leaves lying goes elsewhere; 300. */
    readonly leftAfter?: number;
    /** See src/scheduler/settings.ts. */
    readonly ask?: 'auto' | 'always' | 'never';
    readonly bidWithin?: number;
    readonly bidReuse?: number;
    readonly rebid?: boolean;
    readonly rebidEvery?: number;
    readonly rebidPart?: number;
    readonly rebidLeast?: number;
    readonly rebidRest?: number;
    readonly shadow?: { readonly policy: string; readonly options: Readonly<Record<string, string>> };
  };
  /** What files may travel with jobs; see src/server/files/settings.ts. */
  readonly files?: {
    readonly files?: number;
    readonly bytes?: number;
    readonly fileBytes?: number;
    readonly quota?: number;
    readonly unused?: number;
  };
  /** Registries that may be asked what an image needs; none. */
  readonly images?: ImageSettings;
  readonly logLevel?: 'debug' | 'info' | 'warn' | 'error' | 'silent';
}

/** The sections of the prototype's file. */
const PROTOTYPE = ['scheduler', 'cluster', 'graphdatabase', 'clusters', 'groups'];

/** Null where there is no such file. Throws `invalid_input` with file, key and line. */
export async function readServerSettings(path: string): Promise<ServerSettings | null> {
  const written = await readText(path);
  if (written === null) return null;
  const { settings, check } = inFile(path, () => read(written));
  const own = settings.policies ?? {};
  await loadPolicies(own, dirname(path), (name) => `${path}: policies.${name}`);
  inFile(path, check);
  return settings;
}

/** Of a file's text; an empty one sets nothing. Policies of the operator's own must have been loaded before. */
export function serverSettingsOf(written: string): ServerSettings {
  const { settings, check } = read(written);
  check();
  return settings;
}

/** `check` throws where the policies that are named cannot be used. */
function read(written: string): { readonly settings: ServerSettings; readonly check: () => void } {
  const document = readOptionalDocument(written, 'settings');
  if (document === null || (document.kind === 'scalar' && document.value === null)) {
    return { settings: {}, check: () => undefined };
  }
  if (document.kind !== 'map') throw invalid('settings', 'must be a map of settings');
  const isPrototype = document.entries.has('scheduler');
  const own = new Map([...document.entries].filter(([key]) => !(isPrototype && PROTOTYPE.includes(key))));
  // Beside a `scheduler` section, `host` is the server that clients call.
  if (isPrototype) own.delete('host');
  const settings = readOwn({ ...document, entries: own });
  const merged = isPrototype ? { ...fromPrototype(written), ...settings } : settings;
  return {
    settings: merged,
    check() {
      checkPolicy(merged, document);
      checkAllowed(merged, document);
    },
  };
}

function fromPrototype(written: string): ServerSettings {
  const { scheduler } = clientConfigOf(written);
  const selection = scheduler?.algorithms?.selection;
  return {
    ...(scheduler?.name === undefined ? {} : { name: scheduler.name }),
    ...(scheduler?.secret === undefined ? {} : { secret: scheduler.secret }),
    ...(selection?.name === undefined ? {} : { policy: selection.name }),
    ...(selection?.options === undefined ? {} : { policyOptions: selection.options }),
  };
}

function readOwn(document: DocumentNode): ServerSettings {
  const result = serverSchema.safeParse(withoutNulls(withBareRegistries(toPlain(document))));
  if (!result.success) throw firstProblem(result.error, document);
  const {
    db,
    selection,
    bids,
    match,
    overcommit,
    limits,
    lease,
    leftAfterSeconds,
    walltimeDefaultSeconds,
    retention,
    files,
    images,
    ...rest
  } = result.data;
  const scheduler = given({
    overcommit,
    defaultWalltime: walltimeDefaultSeconds,
    notReportedGrace: lease?.graceSeconds,
    retention:
      retention === undefined
        ? undefined
        : { days: retention.days ?? null, count: retention.count ?? null, every: retention.everySeconds ?? 60 },
    leftAfter: leftAfterSeconds,
    filesUnused: files?.keepUnusedHours === undefined ? undefined : files.keepUnusedHours * 3600,
    filesUnusedBytes: files?.unusedBytes,
    ...bidSettings(bids),
  });
  const options = selection?.options;
  const override = selection?.clientOverride;
  return given({
    ...rest,
    database: db,
    files:
      files === undefined
        ? undefined
        : given({
            files: files.maxFiles,
            bytes: files.maxBytes,
            fileBytes: files.maxFileBytes,
            quota: files.quotaBytes,
            unused: files.unusedBytes,
          }),
    images: images === undefined ? undefined : imageSettingsOf(images),
    policy: selection?.name,
    policyOptions:
      options === undefined
        ? undefined
        : Object.fromEntries(Object.entries(options).map(([key, value]) => [key, String(value)])),
    clientMayChoosePolicy: override === undefined ? undefined : override !== 'deny',
    allowedPolicies: Array.isArray(override) ? override : undefined,
    matchBudget: match?.budget,
    messageBytes: limits?.messageBytes,
    submitsPerSecond: limits?.submitsPerSecond,
    leaseSeconds: lease?.pollSeconds,
    scheduler: Object.keys(scheduler).length === 0 ? undefined : scheduler,
  }) as ServerSettings;
}

type Bids = NonNullable<z.infer<typeof serverSchema>['bids']>;

function bidSettings(bids: Bids | undefined): Partial<NonNullable<ServerSettings['scheduler']>> {
  if (bids === undefined) return {};
  const { ask, withinMs, reuseMs, rebid, shadow } = bids;
  return given({
    ask,
    bidWithin: withinMs === undefined ? undefined : withinMs / 1000,
    bidReuse: reuseMs === undefined ? undefined : reuseMs / 1000,
    rebid: rebid?.enabled,
    rebidEvery: rebid?.everySeconds,
    rebidPart: rebid?.betterBy,
    rebidLeast: rebid?.leastSeconds,
    rebidRest: rebid?.restSeconds,
    shadow:
      shadow === undefined
        ? undefined
        : {
            policy: shadow.name,
            options: Object.fromEntries(Object.entries(shadow.options ?? {}).map(([k, value]) => [k, String(value)])),
          },
  }) as Partial<NonNullable<ServerSettings['scheduler']>>;
}

type Images = NonNullable<z.infer<typeof serverSchema>['images']>;

function imageSettingsOf({
  registries,
  onError,
  timeoutSeconds,
  keepSeconds,
  platform,
  manifest,
}: Images): ImageSettings {
  const [os = '', architecture = ''] = platform?.split('/') ?? [];
  return {
    registries: new Map(
      Object.entries(registries ?? {}).map(([name, given]) => {
        const usual = name === DOCKER ? DOCKER_DEFAULTS : { endpoint: name, hosts: [] };
        const registry: RegistrySettings = {
          endpoint: given.endpoint?.toLowerCase() ?? usual.endpoint,
          hosts: (given.hosts ?? usual.hosts).map((host) => host.toLowerCase()),
          plainHttp: given.plainHttp ?? false,
          privateNetwork: given.privateNetwork ?? false,
          username: given.username ?? '',
          password: given.password ?? '',
          ca: given.ca ?? '',
        };
        return [name, registry] as const;
      }),
    ),
    onError: onError ?? NO_IMAGES.onError,
    timeoutMs: timeoutSeconds === undefined ? NO_IMAGES.timeoutMs : timeoutSeconds * 1000,
    keepMs: keepSeconds === undefined ? NO_IMAGES.keepMs : keepSeconds * 1000,
    platform: platform === undefined ? NO_IMAGES.platform : { os, architecture },
    manifest: manifest ?? '',
  };
}

/** Without the keys that are undefined. */
function given<T extends object>(settings: T): Partial<T> {
  return Object.fromEntries(Object.entries(settings).filter(([, value]) => value !== undefined)) as Partial<T>;
}

/** A registry with nothing behind it is listed all the same: all about it is as usual. */
function withBareRegistries(value: unknown): unknown {
  const images = isObject(value) ? value['images'] : undefined;
  const registries = isObject(images) ? images['registries'] : undefined;
  if (!isObject(value) || !isObject(images) || !isObject(registries)) return value;
  const listed = Object.fromEntries(Object.entries(registries).map(([name, each]) => [name, each ?? {}]));
  return { ...value, images: { ...images, registries: listed } };
}

/** `tls:` with nothing behind it sets nothing. */
function withoutNulls(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  const kept = Object.entries(value).filter(([, each]) => each !== null);
  return Object.fromEntries(kept.map(([key, each]) => [key, withoutNulls(each)]));
}

function firstProblem(error: z.ZodError, document: DocumentNode): RainbowError {
  const issue = error.issues[0]!;
  if (issue.code === 'unrecognized_keys') {
    const key = issue.keys[0] ?? '';
    const known = knownKeys(issue.path);
    return located([...issue.path, key], document, `unknown setting; known are ${known.join(', ')}`);
  }
  if (issue.code === 'invalid_key') {
    return located(issue.path, document, issue.issues[0]?.message ?? issue.message);
  }
  if (issue.code !== 'invalid_type') return located(issue.path, document, issue.message);
  if (issue.message.includes('undefined')) return located(issue.path, document, 'is missing');
  const quotes = issue.expected === 'string' ? ' (put it in quotes)' : '';
  return located(issue.path, document, `must be ${issue.expected}${quotes}`);
}

function knownKeys(path: readonly PropertyKey[]): readonly string[] {
  let shape: Record<string, unknown> = serverSchema.shape;
  for (const key of path) {
    const inner = shape[String(key)];
    const object = inner instanceof z.ZodOptional ? inner.unwrap() : inner;
    if (!(object instanceof z.ZodObject)) return [];
    shape = object.shape;
  }
  return Object.keys(shape);
}

function located(path: readonly PropertyKey[], document: DocumentNode, message: string): RainbowError {
  const { line, column } = nodeAt(document, path).at;
  return invalid(`${path.map(String).join('.')} (line ${line}, column ${column})`, message);
}

/** A policy that cannot work is found at the start, not at the first submit. */
function checkPolicy(settings: ServerSettings, document: DocumentNode): void {
  if (settings.policy === undefined && settings.policyOptions === undefined) return;
  const path = nodeAt(document, ['selection']) === document ? ['scheduler', 'algorithms', 'selection'] : ['selection'];
  try {
    policyNamed(settings.policy ?? 'random').compile(settings.policyOptions ?? {});
  } catch (error) {
    if (!(error instanceof RainbowError)) throw error;
    throw located(path, document, error.message);
  }
}

function checkAllowed({ allowedPolicies = [] }: ServerSettings, document: DocumentNode): void {
  for (const [index, name] of allowedPolicies.entries()) {
    if (policies[name] !== undefined) continue;
    const known = Object.keys(policies).sort().join(', ');
    throw located(['selection', 'clientOverride', index], document, `there is no policy "${name}"; there is ${known}`);
  }
}
