/**
 * The server put together: store, scheduler, handlers, port. `serve` resolves when calls are answered; `stop` lets
 * what is under way finish, so nothing acknowledged is lost.
 * A server that is given no secret makes one at the first start of its store, shows it then, and never again: the store
 * keeps its hash.
 */
import { pino, type DestinationStream, type Logger } from 'pino';
import { RainbowError } from '../core/errors.ts';
import { createMatcher } from '../core/match/create.ts';
import { AgentService } from '../gen/rainbow/v1/agent_pb.js';
import { createScheduler } from '../scheduler/create.ts';
import type { SchedulerSettings } from '../scheduler/settings.ts';
import { openStore } from '../store/open.ts';
import type { Store } from '../store/store.ts';
import { correctedTime } from '../system/corrected.ts';
import type { System } from '../system/system.ts';
import { agentHandlers, defaultAgentSettings } from './agents/connect.ts';
import type { AgentSettings } from './agents/session.ts';
import { createAuthenticator, USER_KEY } from './authenticate.ts';
import { bind, type Binding } from './call.ts';
import { bidHandlers } from './bids/handlers.ts';
import { clusterHandlers } from './clusters/handlers.ts';
import { listen } from './edge/listen.ts';
import type { TlsFiles } from './edge/tls.ts';
import { afterCatchingUp } from './catch-up.ts';
import { fileHandlers } from './files/handlers.ts';
import { defaultFileSettings, type FileSettings } from './files/settings.ts';
import { createFollowers } from './followers.ts';
import { followersAcross } from './followers-across.ts';
import { groupHandlers } from './groups/handlers.ts';
import { jobHandlers } from './jobs/handlers.ts';
import { readImageFiles } from './images/files.ts';
import { createHttpGet } from './images/http.ts';
import { createImages } from './images/images.ts';
import { NO_IMAGES, type ImageSettings } from './images/settings.ts';
import { memoryGraphHandlers } from './memory-graph/handlers.ts';
import { SubmitLimit } from './limits.ts';
import type { Parts, Settings } from './parts.ts';
import { compiled } from './policy.ts';
import { prototypeHandlers } from './prototype/handlers.ts';
import { hashSecret, newUuid } from './secrets.ts';
import { serverHandlers } from './server/handlers.ts';

export interface ServeOptions {
  /** `ADDRESS:PORT`; `localhost:50051` listens on loopback in both families, port 0 on any free one. */
  readonly host: string;
  /** A file, or `:memory:`. */
  readonly database: string;
  /** Rainbow's version, for those who ask. */
  readonly version: string;
  /** The server's own name; `rainbow`. */
  readonly name?: string | undefined;
  /** What clusters register with and operators show; without it a random one is made, once per store. */
  readonly secret?: string | null | undefined;
  /** The selection policy where a submit names none; `random`. */
  readonly policy?: string | undefined;
  readonly policyOptions?: Readonly<Record<string, string>> | undefined;
  /** May a submit name another policy? Yes, unless told otherwise. */
  readonly clientMayChoosePolicy?: boolean | undefined;
  /** Which ones; any, unless told otherwise. */
  readonly allowedPolicies?: readonly string[] | undefined;
  /** One token for all clusters that register; none unless asked for: each gets a random one. */
  readonly globalToken?: string | null | undefined;
  /** Seconds that a polling client may hold a job without accepting it; 30. */
  readonly leaseSeconds?: number | undefined;
  /** Steps that one question to the matcher may take before its answer is unknown; 200,000. */
  readonly matchBudget?: number | undefined;
  /** Bytes of one message; 64 MiB. */
  readonly messageBytes?: number | undefined;
  /** Submits that one owner may make in a second; no limit. */
  readonly submitsPerSecond?: number | undefined;
  /** Bytes that are kept of one task's stream of output; 1 MiB. */
  readonly outputCapBytes?: number | undefined;
  /** Bytes that a job may ask for instead; 64 MiB, or `outputCapBytes` where that is more. */
  readonly outputCapMaxBytes?: number | undefined;
  /** What files may travel with jobs; see `defaultFileSettings`. */
  readonly files?: Partial<FileSettings> | undefined;
  readonly scheduler?: Partial<SchedulerSettings> | undefined;
  /** Heartbeats, output cap; see `defaultAgentSettings`. */
  readonly agents?: Partial<Omit<AgentSettings, 'serverVersion'>> | undefined;
  readonly tls?: TlsFiles | undefined;
  /** Seconds that calls under way get to finish on a stop; 10. */
  readonly graceSeconds?: number | undefined;
  /** Registries that may be asked what a job's image needs; none. */
  readonly images?: ImageSettings | undefined;
  readonly logLevel?: 'debug' | 'info' | 'warn' | 'error' | 'silent' | undefined;
  /** Where the log goes; standard error. */
  readonly logTo?: DestinationStream | undefined;
}

export interface RunningServer {
  readonly host: string;
  readonly port: number;
  /** What a client can be given: `localhost:50051`. */
  readonly address: string;
  /** The server's secret where it was made at this start, to be shown once; else null. */
  readonly secretToShow: string | null;
  /** Idempotent; resolves when everything is closed. */
  stop(): Promise<void>;
}

/** About a tenth of a second, in which the server answers nobody else. */
const MATCH_BUDGET = 200_000;

const SECRET_HASH = 'server_secret_hash';

/**
 * Errors: `invalid_input` (options, policy, TLS files, address), `unavailable` (port taken, store not to be opened),
 * `permission_denied` (a port below 1024).
 */
export async function serve(options: ServeOptions, machine: System): Promise<RunningServer> {
  const settings = settingsOf(options);
  const log = openLog(options);
  const given = options.secret ?? null;
  checkSecret(given);

  const store = await openStore(options.database, machine, { alone: true });
  const closing: (() => Promise<void>)[] = [() => store.close()];
  /** The reverse of the start. One that fails keeps none of the others from closing. */
  const close = async (): Promise<void> => {
    const failed: unknown[] = [];
    for (let act = closing.pop(); act !== undefined; act = closing.pop()) {
      await act().catch((error: unknown) => failed.push(error));
    }
    if (failed.length > 0) throw new RainbowError('internal', 'the server did not stop cleanly', { cause: failed[0] });
  };
  // Servers that share a store share its clock, too: a lease is not to end by that of the machine which is ahead.
  const { system, ask: askTime } = correctedTime(machine);
  try {
    if (store.servers.shared) await askTime(() => store.servers.now(machine.clock.now()));
    const shadow = options.scheduler?.shadow ?? null;
    if (shadow !== null) checkPolicy(shadow.policy, shadow.options, 'bids.shadow');
    const own = given === null ? await ownSecret(store, system) : null;
    const scheduler = createScheduler({
      store,
      matcher: createMatcher({ budget: options.matchBudget ?? MATCH_BUDGET }),
      system,
      log,
      settings: options.scheduler ?? {},
      server: { name: settings.name, version: settings.version },
      askTime,
    });
    closing.push(() => scheduler.stop());
    await scheduler.start();
    const givenHash = hashSecret(given ?? '');
    const authenticator = createAuthenticator({
      registry: scheduler.registry,
      groups: store.groups,
      clock: system.clock,
      secretHash: () => own?.hash ?? givenHash,
    });
    const followers = followersAcross(createFollowers(), scheduler.servers, system);
    closing.push(async () => followers.close());
    const submitLimit = new SubmitLimit(system.clock, options.submitsPerSecond ?? null);
    const images = createImages({
      settings: options.images ?? NO_IMAGES,
      files: await readImageFiles(options.images ?? NO_IMAGES),
      system,
      http: createHttpGet(),
      log,
    });
    const parts: Parts = { store, scheduler, system, authenticator, submitLimit, followers, images, settings, log };
    const { host, tls, messageBytes } = options;
    const listening = { host, tls, log, ...(messageBytes === undefined ? {} : { maxMessageBytes: messageBytes }) };
    const listener = await listen(listening, afterCatchingUp(bindings(parts, options), scheduler.servers), machine);
    closing.push(() => listener.stop((options.graceSeconds ?? 10) * 1_000));
    // Kept only now: a start that failed showed it to nobody.
    if (own !== null) await own.keep();
    log.info({ address: listener.address, store: store.kind, policy: settings.policy }, 'serving');

    let stopped: Promise<void> | null = null;
    return {
      host: listener.host,
      port: listener.port,
      address: listener.address,
      secretToShow: own?.toShow ?? null,
      stop() {
        // The port first, then the scheduler, then the store.
        stopped ??= close().then(() => log.info({}, 'stopped'));
        return stopped;
      },
    };
  } catch (error) {
    // What went wrong first is what the caller needs to hear.
    await close().catch((second: unknown) => log.error({ err: second }, 'closing after a failed start failed'));
    throw error;
  }
}

function bindings(parts: Parts, options: ServeOptions): readonly Binding[] {
  const { store, scheduler, system, authenticator, followers, settings, log } = parts;
  const agents = agentHandlers({
    store,
    followers,
    scheduler,
    system,
    settings: {
      ...defaultAgentSettings,
      ...(options.outputCapBytes === undefined ? {} : { outputCap: options.outputCapBytes }),
      files: settings.files,
      ...options.agents,
      serverVersion: settings.version,
    },
    authenticateCluster: (name, secret, call) => authenticator.cluster(name, secret, call),
    log,
  });
  return [
    prototypeHandlers(parts),
    memoryGraphHandlers(parts),
    jobHandlers(parts),
    fileHandlers(parts),
    clusterHandlers(parts),
    groupHandlers(parts),
    bidHandlers(parts),
    serverHandlers(parts),
    bind(AgentService, agents),
  ];
}

function settingsOf(options: ServeOptions): Settings {
  const leaseMs = (options.leaseSeconds ?? 30) * 1_000;
  if (!Number.isFinite(leaseMs) || leaseMs <= 0) {
    throw new RainbowError('invalid_input', 'the lease of polling clients must be longer than 0 seconds');
  }
  if (options.globalToken === '') {
    throw new RainbowError('invalid_input', 'the global token is empty; leave it out, and each cluster gets its own');
  }
  const policy = options.policy ?? 'random';
  const policyOptions = options.policyOptions ?? {};
  checkPolicy(policy, policyOptions);
  return {
    name: options.name ?? 'rainbow',
    version: options.version,
    policy,
    policyOptions,
    clientMayChoosePolicy: options.clientMayChoosePolicy ?? true,
    allowedPolicies: options.allowedPolicies ?? null,
    globalToken: options.globalToken ?? null,
    leaseMs,
    retention: retentionText(options.scheduler?.retention),
    outputCapMax: options.outputCapMaxBytes ?? Math.max(64 * 2 ** 20, options.outputCapBytes ?? 0),
    files: { ...defaultFileSettings, ...options.files },
  };
}

/** Where both are set, whichever is reached first counts. */
function retentionText(retention: SchedulerSettings['retention'] | undefined): string {
  if (retention === undefined) return '';
  const { days, count } = retention;
  const kept = [
    ...(days === null ? [] : [`for ${days} ${days === 1 ? 'day' : 'days'}`]),
    ...(count === null ? [] : [`up to ${count} of them`]),
  ];
  return kept.join(', and ');
}

/** At start, not at the first submit. */
function checkPolicy(
  name: string,
  options: Readonly<Record<string, string>>,
  where = 'scheduler.algorithms.selection in the configuration, or --select-algorithm',
): void {
  try {
    compiled(name, options);
  } catch (error) {
    if (!(error instanceof RainbowError)) throw error;
    throw new RainbowError(
      'invalid_input',
      `the server's selection policy cannot be used: ${error.message}; correct ${where}`,
      { cause: error },
    );
  }
}

/** The secret of a server that was given none: made once per store, of which the store keeps the hash. */
async function ownSecret(store: Store, system: System) {
  const kept = await store.settings.get(SECRET_HASH);
  if (kept !== null) return { hash: Buffer.from(kept, 'hex'), toShow: null, keep: () => Promise.resolve() };
  const secret = newUuid(system.entropy);
  const own = {
    hash: Buffer.from(hashSecret(secret)),
    toShow: secret as string | null,
    async keep(): Promise<void> {
      const stored = Buffer.from(await store.settings.setOnce(SECRET_HASH, own.hash.toString('hex')), 'hex');
      // Another server on this store began at the same time, and showed its own.
      if (!stored.equals(own.hash)) Object.assign(own, { hash: stored, toShow: null });
    },
  };
  return own;
}

function checkSecret(secret: string | null): void {
  if (secret === null) return;
  if (secret === '')
    throw new RainbowError('invalid_input', "the server's secret is empty; leave it out, and one is made");
  if (USER_KEY.test(secret)) {
    throw new RainbowError('invalid_input', "the server's secret has the form of a user key (rbu_…); choose another");
  }
}

/** One JSON object a line, written before the call that logs returns. Keys that could hold a secret are cut out. */
function openLog(options: ServeOptions): Logger {
  return pino(
    {
      level: options.logLevel ?? 'info',
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      redact: { paths: ['secret', 'token', 'authorization', '*.secret', '*.token', '*.authorization'], remove: true },
    },
    options.logTo ?? pino.destination({ dest: 2, sync: true }),
  );
}
