/**
 * Making calls: who is asking (the user's key, or an operator with the server's secret), to which server, with a sign
 * of life on a terminal while it takes. The client, and with it gRPC, is loaded here, when a call is made.
 */
import { Option, type Command } from 'commander';
import type { RainbowClient } from '../client/client.ts';
import { RainbowError } from '../core/errors.ts';
import { REQUEST_DENIED, Stopped } from './exit.ts';
import type { Invocation } from './invocation.ts';
import { startProgress } from './progress.ts';
import { operatorSecret, readSettings } from './settings.ts';
import { userKey } from './user-key.ts';

/** Of commands that an operator may use for everybody. */
export interface OperatorOptions {
  readonly operator?: boolean;
  readonly secret?: string;
}

/** What an operator shows, and where it is from. */
export const SERVER_SECRET =
  'the server’s secret (--secret, RAINBOW_SERVER_SECRET, or scheduler.secret of the configuration)';

/** `--secret`: on commands that are for operators alone. */
export function secretOption(command: Command): Command {
  return command.option(
    '-s, --secret <secret>',
    'the server’s secret [RAINBOW_SERVER_SECRET; scheduler.secret of the configuration]',
  );
}

/** `--operator` and `--secret`: on commands that everybody uses for their own and an operator for all. */
export function operatorOptions(command: Command): Command {
  return secretOption(
    command.addOption(new Option('--operator', 'as an operator, with the server’s secret: everybody’s')),
  );
}

export interface Asking extends OperatorOptions {
  /** Without an identity: the message itself carries the cluster's secret. */
  readonly anonymous?: boolean;
  /** Without a sign of life: the command shows its own. */
  readonly quiet?: boolean;
  /** Which secrets or tokens the message itself carries, and where they are from: for a request that is denied. */
  readonly carries?: string;
}

/** Runs `work` with a client that is closed afterwards. The signal ends its calls when the command is stopped. */
export async function connect<T>(
  invocation: Invocation,
  asking: Asking,
  work: (client: RainbowClient, signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const { io } = invocation;
  const settings = await readSettings(invocation);
  const isOperator = asking.operator === true || asking.secret !== undefined;
  const authorization =
    asking.anonymous === true
      ? undefined
      : isOperator
        ? operatorSecret(invocation, settings.config, asking.secret)
        : await userKey(io);
  const { createClient } = await import('../client/client.ts');
  const client = createClient({
    host: settings.host,
    tls: settings.tls,
    authorization,
    clock: io.system.clock,
    system: io.system,
  });
  const progress = asking.quiet === true ? null : startProgress(invocation, `asking ${settings.host}`);
  try {
    return await work(client, io.signal);
  } catch (error) {
    throw io.signal.aborted ? new Stopped() : withHint(error, isOperator && asking.anonymous !== true, asking.carries);
  } finally {
    progress?.end();
    client.close();
  }
}

/** The server never says which secret was wrong; here it is known which were shown. */
function withHint(error: unknown, isOperator: boolean, carries: string | undefined): unknown {
  if (!(error instanceof RainbowError) || error.code !== 'unauthenticated' || error.message !== REQUEST_DENIED) {
    return error;
  }
  const shown = [...(isOperator ? [SERVER_SECRET] : []), ...(carries === undefined ? [] : [carries])];
  if (shown.length === 0) return error;
  return new RainbowError('unauthenticated', `${REQUEST_DENIED}\nCheck ${shown.join('; and ')}.`, { cause: error });
}
