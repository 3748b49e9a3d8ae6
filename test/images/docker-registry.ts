/** Debian's docker-registry, started for a test on a free port with a folder of its own; and pushing to it by hand. */
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Stored } from './artifacts.ts';

const PROGRAM = 'docker-registry';

/** Null where it is there. */
export function registryMissing(): string | null {
  const found = spawnSync(PROGRAM, ['--version'], { encoding: 'utf8' });
  return found.status === 0 ? null : 'docker-registry is not installed (apt-get install docker-registry)';
}

export interface RunningRegistry {
  readonly host: string;
  push(repository: string, tag: string, manifest: Stored, blobs: readonly Stored[]): Promise<void>;
  stop(): Promise<void>;
}

export async function startDockerRegistry(): Promise<RunningRegistry> {
  const folder = mkdtempSync(join(tmpdir(), 'rainbow-registry-'));
  const config = join(folder, 'config.yml');
  writeFileSync(
    config,
    `version: 0.1\nlog: {level: info}\nstorage: {filesystem: {rootdirectory: ${folder}/data}, delete: {enabled: true}}\nhttp: {addr: "127.0.0.1:0"}\n`,
  );
  const child = spawn(PROGRAM, ['serve', config], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: process.env['PATH'] },
  });
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const port = await new Promise<string>((resolve, reject) => {
    let said = '';
    const listen = (piece: Buffer): void => {
      said += piece.toString();
      const found = /listening on 127\.0\.0\.1:(\d+)/.exec(said);
      if (found !== null) resolve(found[1] ?? '');
    };
    child.stdout.on('data', listen);
    child.stderr.on('data', listen);
    child.once('error', reject);
    child.once('exit', (code) => reject(new Error(`docker-registry ended with ${String(code)}: ${said}`)));
  });
  const host = `127.0.0.1:${port}`;
  return {
    host,
    async push(repository, tag, manifest, blobs) {
      for (const { bytes, digest } of blobs) {
        const begun = await send('POST', `http://${host}/v2/${repository}/blobs/uploads/`, '', Buffer.alloc(0));
        const to = new URL(begun.location);
        to.searchParams.set('digest', digest);
        await send('PUT', to.href, 'application/octet-stream', bytes);
      }
      await send('PUT', `http://${host}/v2/${repository}/manifests/${tag}`, manifest.mediaType, manifest.bytes);
    },
    async stop() {
      child.kill('SIGKILL');
      await ended;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function send(method: string, url: string, type: string, body: Buffer): Promise<{ location: string }> {
  return new Promise((resolve, reject) => {
    const headers = { 'content-length': body.length, ...(type === '' ? {} : { 'content-type': type }) };
    const sent = request(url, { method, headers, agent: false }, (answer) => {
      const pieces: Buffer[] = [];
      answer.on('data', (piece: Buffer) => pieces.push(piece));
      answer.on('end', () => {
        const status = answer.statusCode ?? 0;
        if (status < 200 || status > 299)
          reject(new Error(`${method} ${url}: ${status} ${Buffer.concat(pieces).toString()}`));
        else resolve({ location: answer.headers.location ?? '' });
      });
    });
    sent.once('error', reject);
    sent.end(body);
  });
}
