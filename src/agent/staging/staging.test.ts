/** Which refusals of the server end a job with files, and which are asked again. */
import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { RainbowError, type ErrorCode } from '../../core/errors.ts';
import type { FileClient } from '../../sandbox/send.ts';
import { realSystem } from '../../system/real.ts';
import { createHolding, newEntry } from '../holding.ts';
import { memoryJournal } from '../journal.ts';
import type { Order } from '../runners/runner.ts';
import { noHook } from '../sentinels.ts';
import { openStaging } from './staging.ts';

const DATA = Buffer.from('one');
const sha256 = createHash('sha256').update(DATA).digest('hex');
const ORDER: Order = {
  jobId: '7',
  epoch: 1,
  name: '',
  owner: '',
  jobspec: '',
  walltime: 60,
  priority: 0,
  staging: { files: 1, bytes: DATA.byteLength, out: [], limits: { files: 1, bytes: 1, fileBytes: 1 } },
};

/** A server that refuses the first calls, one after the other, and then has the file. */
function serverThatRefuses(...codes: readonly ErrorCode[]): FileClient {
  const left = [...codes];
  const scripted = {
    async *list() {
      const code = left.shift();
      if (code !== undefined) throw new RainbowError(code, 'request denied');
      yield { files: [{ path: 'a', size: String(DATA.byteLength), executable: false, sha256 }] };
    },
    async *download() {
      yield { sha256, data: DATA };
    },
  };
  return scripted as unknown as FileClient;
}

/** Where the job begins; throws what keeps its files away. */
async function brought(client: FileClient): Promise<{ readonly sandbox: string; readonly said: readonly string[] }> {
  const root = await mkdtemp(join(tmpdir(), 'rainbow-staging-'));
  const said: string[] = [];
  const say = (message: string): void => void said.push(message);
  const log = { info: say, warn: say };
  const holding = createHolding(memoryJournal(), log);
  await holding.add(newEntry(ORDER, 'received'));
  const placed = Promise.withResolvers<void>();
  const staging = await openStaging({
    client,
    cluster: 'red',
    secret: 'secret',
    folder: join(root, 'files'),
    holding,
    runner: {},
    system: realSystem,
    log,
    reached: noHook,
    placed: placed.resolve,
    collected: () => undefined,
  });
  onTestFinished(async () => {
    await staging.close();
    await rm(root, { recursive: true, force: true });
  });
  expect(staging.prepared(ORDER)).toBeNull();
  await placed.promise;
  return { sandbox: staging.prepared(ORDER)?.sandbox ?? '', said };
}

test('a server that for a moment is one with another store does not end the job: it is asked again', async () => {
  const { sandbox, said } = await brought(serverThatRefuses('unauthenticated', 'permission_denied'));
  expect(await readFile(join(sandbox, 'a'), 'utf8')).toBe('one');
  expect(said[0]).toContain('its files did not come, trying again: request denied');
});

test('what another try does not mend is said at once', async () => {
  await expect(brought(serverThatRefuses('failed_precondition'))).rejects.toThrow(/could not be brought here/);
});
