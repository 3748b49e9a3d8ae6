/** The systemd units as systemd reads them; where it is not there, this is skipped. */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { copyFile, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { skipWithout } from '../needs.ts';

const path = (process.env['PATH'] ?? '').split(':');
const has = path.some((folder) => folder !== '' && existsSync(join(folder, 'systemd-analyze')));
const away = skipWithout('systemd', has ? null : 'no systemd-analyze on the PATH');
const units = join(import.meta.dirname, '..', '..', 'packaging', 'systemd');

describe.skipIf(away)('systemd units', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'rainbow-units-'));
    await mkdir(join(folder, 'run'), { mode: 0o700 });
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  test.each([
    ['rainbow-server.service', 'rainbow-server.service', []],
    // Of a template an instance is read.
    ['rainbow-agent@.service', 'rainbow-agent@red.service', []],
    ['user/rainbow-agent@.service', 'rainbow-agent@blue.service', ['--user']],
  ])('%s is understood, all of it', async (unit, name, more) => {
    const file = join(folder, name);
    await copyFile(join(units, unit), file);
    const { stdout, stderr } = await promisify(execFile)('systemd-analyze', ['verify', '--man=no', ...more, file], {
      env: { ...process.env, XDG_RUNTIME_DIR: join(folder, 'run'), HOME: folder },
    });
    // What it does not know it says, and goes on.
    expect(`${stdout}${stderr}`).not.toContain(name);
  });
});
