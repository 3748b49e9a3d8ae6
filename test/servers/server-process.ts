/**
 * A server as a process of its own, for tests that kill and stop it. Its argument is JSON: its options, and `clockAhead`,
 * the milliseconds by which its machine's clock is wrong. Says `ready PORT` when it is.
 */
import { flushCompileCache } from 'node:module';
import { realSystem } from '../../src/system/real.ts';
import { serve, type ServeOptions } from '../../src/server/serve.ts';

// Who is killed leaves nothing to the next one's start.
flushCompileCache();

const { clockAhead, ...options } = JSON.parse(process.argv[2]!) as ServeOptions & { readonly clockAhead: number };
const { clock } = realSystem;
const system = { ...realSystem, clock: { ...clock, now: () => clock.now() + clockAhead } };
const server = await serve(options, system);
process.once('SIGTERM', () => void server.stop().then(() => process.exit(0)));
process.stdout.write(`ready ${server.port}\n`);
