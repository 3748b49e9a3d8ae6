/** `rainbow register cluster`: a graph and a name; prints the cluster's secret and token, once. */
import type { Command } from 'commander';
import { connect, SERVER_SECRET } from '../../connection.ts';
import { saveCredentials } from '../../enroll.ts';
import { UsageError } from '../../exit.ts';
import { readInput } from '../../files.ts';
import type { Invocation, Run } from '../../invocation.ts';
import { collect, collectFiles, type NamedFile } from '../../options.ts';
import { clusterJson } from '../../present/cluster.ts';
import { countText } from '../../present/graph.ts';
import { clusterSecret, clusterSecretFrom, configPath, readSettings, serverSecret } from '../../settings.ts';

interface Options {
  readonly secret?: string;
  readonly save?: boolean;
  readonly nodesJson: string;
  readonly subsystem?: readonly string[];
  readonly replace?: boolean;
}

export function addCluster(parent: Command, run: Run): void {
  parent
    .command('cluster')
    .description('register a cluster; prints its secret and its token, once')
    .requiredOption('--nodes-json <file>', 'its resource graph, JGF version 2; - for standard input')
    .option(
      '-s, --secret <secret>',
      'the server’s secret [RAINBOW_SERVER_SECRET; scheduler.secret of the configuration]; with --replace the cluster’s own',
    )
    .option('--subsystem <name=file>', 'register this subsystem, too (repeatable)', collect)
    .option('--save', 'write the credentials into the configuration file')
    .option('--replace', 'a new graph for a cluster that is registered; its credentials and jobs stay')
    .addHelpText(
      'after',
      '\nExample:\n  rainbow register cluster --cluster-name red --nodes-json red.json \\\n    --secret orange --save',
    )
    .action(run(register));
}

/** A graph of a million vertices is checked and written in much less. */
const LARGE_GRAPH_MS = 300_000;

async function register(invocation: Invocation, options: Options): Promise<void> {
  const settings = await readSettings(invocation);
  const name = invocation.globals.clusterName ?? settings.config.cluster?.name ?? '';
  if (name === '') throw new UsageError('which cluster? Give its name with --cluster-name NAME.');
  const subsystems = readSubsystems(options.subsystem ?? []);
  const graph = await readInput(invocation.io, options.nodesJson);
  const texts = await Promise.all(
    subsystems.map(async ({ name, file }) => ({ name, text: await readInput(invocation.io, file) })),
  );
  const replace = options.replace === true;
  const secret =
    options.secret ??
    (replace ? clusterSecret(invocation, settings.config, name) : serverSecret(invocation, settings.config));
  if (secret === undefined) {
    throw new UsageError(
      replace
        ? `whose cluster is it? Give the secret that ${name} got when it registered with --secret, or save it in the configuration.`
        : 'the server’s secret is missing: give it with --secret, in RAINBOW_SERVER_SECRET, or as scheduler.secret in the configuration.',
    );
  }

  const carries = replace ? clusterSecretFrom(name, settings.configPath) : SERVER_SECRET;
  const { credentials, cluster } = await connect(invocation, { anonymous: true, carries }, async (client, signal) => {
    const { registerCluster } = await import('../../../client/pieces.ts');
    const answer = await registerCluster(
      client,
      { name, secret, graph, replace },
      { signal, timeoutMs: LARGE_GRAPH_MS },
    );
    // Saved before anything else can go wrong: the server shows them this once.
    if (options.save === true && !replace) {
      await saveCredentials(invocation, { name, secret: answer.secret, token: answer.token });
    }
    let { cluster } = answer;
    for (const { name: subsystem, text } of texts) {
      const own = replace ? secret : answer.secret;
      const after = await client.clusters.registerSubsystem(
        { cluster: name, secret: own, subsystem, graph: text, replace },
        { signal },
      );
      cluster = after.cluster;
    }
    return { credentials: { secret: answer.secret, token: answer.token }, cluster };
  });

  if (options.save === true && !replace) invocation.say(`saved in ${configPath(invocation)}`);
  const shown = cluster === undefined ? null : clusterJson(cluster);
  invocation.result(
    replace ? { status: 'replaced', cluster: shown } : { status: 'registered', name, ...credentials, cluster: shown },
    () =>
      replace
        ? `cluster ${name} has a new graph: ${countText(shown?.resources ?? [])}`
        : [
            `cluster ${name} registered: ${countText(shown?.resources ?? [])}`,
            `secret: ${credentials.secret}   (for its agent)`,
            `token:  ${credentials.token}   (for those who submit to it)`,
            ...(options.save === true ? [] : ['These are shown this once; keep them, or register with --save.']),
          ].join('\n'),
  );
}

/** The prototype takes a bare subsystem name here, of which only the dominant ones ever worked. */
function readSubsystems(given: readonly string[]): readonly NamedFile[] {
  let files: readonly NamedFile[] = [];
  for (const text of given) {
    if (text === '' || text === 'cluster') continue;
    if (!text.includes('=')) {
      throw new UsageError(
        `--subsystem ${text}: give NAME=FILE, or register it afterwards with: rainbow register subsystem --subsystem ${text} --nodes-json FILE`,
      );
    }
    files = collectFiles(text, files);
  }
  return files;
}
