/** The TLS side of the client's channel: PEM files, as for the prototype's flags --ca-cert, --cert and --key. */
import { X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createSecureContext } from 'node:tls';
import { RainbowError } from '../core/errors.ts';

/** Paths. An empty object means TLS by the authorities that the system trusts. */
export interface TlsFiles {
  /** Who signed the server's certificate. */
  readonly ca?: string | undefined;
  /** A certificate and its key for this client, where the server asks for one. */
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
}

export interface TlsMaterial {
  readonly ca: Buffer | null;
  readonly cert: Buffer | null;
  readonly key: Buffer | null;
}

/** Errors: `invalid_input` at the option whose file is wrong. */
export async function readTls(files: TlsFiles): Promise<TlsMaterial> {
  if ((files.cert === undefined) !== (files.key === undefined)) {
    throw new RainbowError('invalid_input', '--cert and --key go together: give both, or neither');
  }
  const [ca, cert, key] = await Promise.all([
    read('--ca-cert', files.ca),
    read('--cert', files.cert),
    read('--key', files.key),
  ]);
  check('--ca-cert', files.ca, () => ca === null || new X509Certificate(ca));
  check('--cert', files.cert, () => cert === null || new X509Certificate(cert));
  check('--key', files.key, () => cert === null || key === null || createSecureContext({ cert, key }));
  return { ca, cert, key };
}

async function read(place: string, path: string | undefined): Promise<Buffer | null> {
  if (path === undefined) return null;
  try {
    return await readFile(path);
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? String(cause.code) : 'unreadable';
    throw new RainbowError('invalid_input', `${path} cannot be read (${code}): name a PEM file that you may read`, {
      place,
      cause,
    });
  }
}

function check(place: string, path: string | undefined, use: () => unknown): void {
  try {
    use();
  } catch (cause) {
    const what = place === '--key' ? 'the private key of the certificate given with --cert' : 'a certificate';
    throw new RainbowError('invalid_input', `${path} does not hold ${what} in PEM form`, { place, cause });
  }
}
