/** Debian's docker-registry, started for a test on a free port with a folder of its own; and pushing to it by hand. */
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Identity } from '../wire/certificates.ts';
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

/** A login that it asks for, and TLS that it speaks. */
export interface Guarded {
  readonly identity: Identity;
  /** Path of the authority's certificate. */
  readonly ca: string;
}

export const LOGIN = { username: 'ada', password: 'l:ovelace' } as const;
/** Of that login, as htpasswd writes it (bcrypt): the one thing that Node cannot make. */
const HTPASSWD = 'ada:$2y$04$CLtKKjB/pLrZTQwgYY.JI.lq.fKZCshHR9WWxCsdjN.CJXoL2wMcW\n';

export async function startDockerRegistry(guarded?: Guarded): Promise<RunningRegistry> {
  const folder = mkdtempSync(join(tmpdir(), 'rainbow-registry-'));
  const config = join(folder, 'config.yml');
  const users = join(folder, 'htpasswd');
  if (guarded !== undefined) writeFileSync(users, HTPASSWD);
  const tls =
    guarded === undefined ? '' : `, tls: {certificate: ${guarded.identity.cert}, key: ${guarded.identity.key}}`;
  writeFileSync(
    config,
    `version: 0.1\nlog: {level: info}\nstorage: {filesystem: {rootdirectory: ${folder}/data}, delete: {enabled: true}}\nhttp: {addr: "127.0.0.1:0"${tls}}\n` +
      (guarded === undefined ? '' : `auth: {htpasswd: {realm: tests, path: ${users}}}\n`),
  );
  const base = (host: string): string => `${guarded === undefined ? 'http' : 'https'}://${host}`;
  const send = sender(guarded);
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
        const begun = await send('POST', `${base(host)}/v2/${repository}/blobs/uploads/`, '', Buffer.alloc(0));
        const to = new URL(begun.location);
        to.searchParams.set('digest', digest);
        await send('PUT', to.href, 'application/octet-stream', bytes);
      }
      await send('PUT', `${base(host)}/v2/${repository}/manifests/${tag}`, manifest.mediaType, manifest.bytes);
    },
    async stop() {
      child.kill('SIGKILL');
      await ended;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

type Send = (method: string, url: string, type: string, body: Buffer) => Promise<{ location: string }>;

const sender =
  (guarded: Guarded | undefined): Send =>
  (method, url, type, body) =>
    new Promise((resolve, reject) => {
      const headers = { 'content-length': body.length, ...(type === '' ? {} : { 'content-type': type }) };
      const who =
        guarded === undefined ? {} : { ca: readFileSync(guarded.ca), auth: `${LOGIN.username}:${LOGIN.password}` };
      const request = guarded === undefined ? httpRequest : httpsRequest;
      const sent = request(url, { method, headers, agent: false, ...who }, (answer) => {
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
