/** `rainbow serve`: the server, until it is told to stop. */
import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { Option, type Command } from 'commander';
import { RainbowError } from '../../core/errors.ts';
import { isPostgresAddress, shownAddress } from '../../store/address.ts';
import { UsageError } from '../exit.ts';
import type { Invocation, Run } from '../invocation.ts';
import { collectPairs } from '../options.ts';
import { clean } from '../paint.ts';
import { DEFAULT_HOST } from '../settings.ts';
import { addressOf, serverSettingsPath } from '../store-address.ts';
import { version } from '../version.ts';

const LOG_LEVELS = ['debug', 'info', 'warn', 'error', 'silent'] as const;

interface Options {
  readonly db?: string;
  readonly secret?: string;
  readonly globalToken?: string;
  readonly name?: string;
  readonly selectOption?: Readonly<Record<string, string>>;
  readonly logLevel?: (typeof LOG_LEVELS)[number];
}

export function addServe(parent: Command, run: Run): void {
  parent
    .command('serve')
    .description('the server: both protocols on one port; prints one line when it is ready')
    .option(
      '--db <store>',
      'its store: a file, postgres://USER:PASSWORD@HOST:PORT/DATABASE, or :memory: [RAINBOW_DB; ~/.local/share/rainbow/rainbow.db]',
    )
    .option(
      '-s, --secret <secret>',
      'what clusters register with and operators show [RAINBOW_SERVER_SECRET; scheduler.secret; a random one, printed once]',
    )
    .option('--global-token <token>', 'give every cluster that registers this token; for demonstrations')
    .option('--name <name>', 'the server’s own name')
    .option('--select-option <key=value>', 'an option of the selection policy (repeatable)', collectPairs)
    .addOption(new Option('--log-level <level>', 'what is logged, on standard error').choices([...LOG_LEVELS]))
    .addHelpText(
      'after',
      `
--host says where it listens: localhost:50051 (loopback, the default), :50051
(every interface), 127.0.0.1:0 (a free port). --cert and --key serve TLS; with
--ca-cert client certificates that are presented are verified. --config-path
names its settings file, docs/server.md [RAINBOW_SERVER_CONFIG;
~/.config/rainbow/server.yaml].

Examples:
  rainbow serve --secret orange
  rainbow serve --host :50051 --db /var/lib/rainbow/rainbow.db \\
    --config-path /etc/rainbow/server.yaml
  PGPASSWORD=… rainbow serve --db postgres://rainbow@db.example.org/rainbow`,
    )
    .action(run(start));
}

async function start(invocation: Invocation, options: Options): Promise<void> {
  const { io, globals } = invocation;
  checkNames(invocation);
  // Its settings are a file of its own; the prototype's file, with a `scheduler` section, will do as well.
  const { path, named } = serverSettingsPath(invocation);
  const [{ readServerSettings }, { serve }] = await Promise.all([
    import('../../config/config.ts'),
    import('../../server/serve.ts'),
  ]);
  const settings = await readServerSettings(path);
  if (settings === null && named) {
    throw new RainbowError('not_found', `there is no settings file ${path}; docs/server.md says what may stand in it`);
  }

  const database = await storeOf(invocation, options.db ?? io.env['RAINBOW_DB'] ?? settings?.database);
  const server = await serve(
    {
      ...settings,
      host: globals.host ?? settings?.host ?? DEFAULT_HOST,
      database,
      version: version(),
      name: options.name ?? settings?.name,
      secret: options.secret ?? io.env['RAINBOW_SERVER_SECRET'] ?? settings?.secret,
      globalToken: options.globalToken ?? settings?.globalToken,
      policy: globals.selectAlgorithm ?? settings?.policy,
      // Options belong to one policy: another one, chosen by flag, does not get those of the file.
      policyOptions:
        options.selectOption ??
        (globals.selectAlgorithm === undefined || globals.selectAlgorithm === settings?.policy
          ? settings?.policyOptions
          : undefined),
      tls: tlsOf(invocation) ?? settings?.tls,
      logLevel: options.logLevel ?? settings?.logLevel ?? 'warn',
    },
    io.system,
  );

  // Listened to before anybody is told that the server is there: a stop may follow at once.
  const { signal } = io;
  invocation.result(
    {
      ready: true,
      address: server.address,
      host: server.host,
      port: server.port,
      store: shownAddress(database),
      secret: server.secretToShow,
    },
    () => {
      const ready = `rainbow: ready on ${server.address} (store ${clean(shownAddress(database))})`;
      return server.secretToShow === null
        ? ready
        : `${ready}\nrainbow: the server’s secret is ${server.secretToShow} (random; shown this once; --secret chooses one)`;
    },
  );
  await stopped(signal);
  if (!invocation.json) invocation.say('stopping: what is under way may finish; Ctrl-C again ends at once');
  await server.stop();
}

function stopped(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}

/** The prototype's server had other graph databases and names for its one match algorithm. */
function checkNames({ globals }: Invocation): void {
  if (globals.graphDatabase !== undefined && globals.graphDatabase !== 'memory') {
    throw new UsageError(`--graph-database ${globals.graphDatabase}: there is only "memory"; leave it out.`);
  }
  if (globals.matchAlgorithm !== undefined && !['match', 'range', 'equals'].includes(globals.matchAlgorithm)) {
    throw new UsageError(`--match-algorithm ${globals.matchAlgorithm}: there is only "match"; leave it out.`);
  }
}

async function storeOf({ io }: Invocation, named: string | undefined): Promise<string> {
  const address = addressOf(io.env, named);
  if (address === ':memory:' || isPostgresAddress(address)) return address;
  try {
    await mkdir(dirname(address), { recursive: true, mode: 0o700 });
  } catch (error) {
    throw new RainbowError(
      'failed_precondition',
      `the folder of the store ${address} cannot be made: ${(error as Error).message}; choose another with --db`,
      { cause: error },
    );
  }
  return address;
}

function tlsOf({ globals }: Invocation) {
  const { caCert: ca, cert, key } = globals;
  if (ca === undefined && cert === undefined && key === undefined) return undefined;
  return {
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
  };
}
