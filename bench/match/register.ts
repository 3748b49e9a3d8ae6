/** The client of loading.ts: registers the graph of a file, as our client does, and says how long that took. */
import { readFileSync } from 'node:fs';
import { createClient } from '../../src/client/client.ts';
import { registerCluster } from '../../src/client/pieces.ts';

const [address = '', file = ''] = process.argv.slice(2);
const graph = readFileSync(file, 'latin1');
const client = createClient({ host: address });
await client.server.getInfo({});
const start = performance.now();
const { cluster } = await registerCluster(client, { name: 'large', secret: 'loading', graph });
const ms = performance.now() - start;
const vertices = cluster?.resources.reduce(
  (sum, { type, total }) => sum + (type === 'memory' ? total / 256 : total),
  0,
);
console.log(JSON.stringify({ ms, vertices }));
client.close();
