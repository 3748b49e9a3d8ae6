/**
 * Reads and checks the files that the TLS options name, before anything listens: a wrong file is told with its option,
 * its path and what to do. Files are PEM, as for the prototype's flags --ca-cert, --cert and --key.
 */
import { createPrivateKey, X509Certificate, type KeyObject } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { TlsOptions } from 'node:tls';
import { invalid, RainbowError } from '../../core/errors.ts';
import type { Clock } from '../../system/system.ts';
import type { Log } from './log.ts';

export interface TlsFiles {
  /** Who signs client certificates. With it, a client certificate is verified if one is presented. */
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
  /** Refuse clients that present none. The prototype's Python client presents none. */
  readonly requireClientCertificate?: boolean;
}

/** Errors: `invalid_input` at `--cert`, `--key` or `--ca-cert`. */
export async function tlsOptions(files: TlsFiles, clock: Clock, log: Log): Promise<TlsOptions> {
  if (files.cert === undefined || files.key === undefined) {
    const missing = files.cert === undefined ? '--cert' : '--key';
    throw new RainbowError('invalid_input', `TLS needs both --cert and --key: ${missing} is missing`);
  }
  if (files.requireClientCertificate === true && files.ca === undefined) {
    throw new RainbowError(
      'invalid_input',
      'client certificates can be required only with --ca-cert to verify them by',
    );
  }
  const cert = await read('--cert', files.cert);
  const key = await read('--key', files.key);
  const certificate = readCertificate('--cert', files.cert, cert);
  if (!certificate.checkPrivateKey(readKey(files.key, key))) {
    throw invalid('--key', `the key in ${files.key} is not the one that the certificate in ${files.cert} was made for`);
  }
  if (certificate.validToDate.getTime() < clock.now()) {
    log.warn(
      { cert: files.cert, validTo: certificate.validTo },
      'the TLS certificate has expired; clients will refuse it',
    );
  }
  const options: TlsOptions = { cert, key, minVersion: 'TLSv1.2' };
  if (files.ca === undefined) return options;
  const ca = await read('--ca-cert', files.ca);
  readCertificate('--ca-cert', files.ca, ca);
  // Whether a presented certificate is a good one is looked at after the handshake (listen.ts), so that a client
  // without one can be let in.
  return { ...options, ca, requestCert: true, rejectUnauthorized: files.requireClientCertificate === true };
}

async function read(place: string, path: string): Promise<Buffer> {
  try {
    return await readFile(path);
  } catch (cause) {
    const why = cause instanceof Error && 'code' in cause ? wordsFor(String(cause.code)) : 'it cannot be read';
    throw new RainbowError('invalid_input', `${path}: ${why}; name a PEM file that this user may read`, {
      place,
      cause,
    });
  }
}

function wordsFor(code: string): string {
  switch (code) {
    case 'ENOENT':
      return 'there is no such file';
    case 'EACCES':
      return 'this user may not read it';
    case 'EISDIR':
      return 'it is a directory';
    default:
      return `it cannot be read (${code})`;
  }
}

function readCertificate(place: string, path: string, pem: Buffer): X509Certificate {
  try {
    return new X509Certificate(pem);
  } catch (cause) {
    throw new RainbowError('invalid_input', `${path} holds no certificate in PEM form (-----BEGIN CERTIFICATE-----)`, {
      place,
      cause,
    });
  }
}

function readKey(path: string, pem: Buffer): KeyObject {
  try {
    return createPrivateKey(pem);
  } catch (cause) {
    throw new RainbowError(
      'invalid_input',
      `${path} holds no private key in PEM form, or one under a passphrase, which is not supported: write it out without`,
      { place: '--key', cause },
    );
  }
}
