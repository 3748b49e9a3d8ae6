/** A server in a process of its own, to be killed: prints its address as one line. Arguments: database, address. */
import { flushCompileCache } from 'node:module';
import { serve } from '../../src/server/serve.ts';
import { realSystem } from '../../src/system/real.ts';
import { SECRET } from './rainbow.ts';

// Who is killed leaves nothing to the next one's start.
flushCompileCache();

const [, , database, host = '127.0.0.1:0'] = process.argv;
if (database === undefined) throw new Error('which database?');
const server = await serve({ host, database, secret: SECRET, version: '0.0.0-test', logLevel: 'silent' }, realSystem);
process.stdout.write(`${server.address}\n`);
