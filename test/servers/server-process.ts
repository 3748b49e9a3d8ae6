/** A server as a process of its own, for tests that kill and stop it. Its argument is JSON; says `ready PORT` when it is. */
import { realSystem } from '../../src/system/real.ts';
import { serve, type ServeOptions } from '../../src/server/serve.ts';

const server = await serve(JSON.parse(process.argv[2]!) as ServeOptions, realSystem);
process.once('SIGTERM', () => void server.stop().then(() => process.exit(0)));
process.stdout.write(`ready ${server.port}\n`);
