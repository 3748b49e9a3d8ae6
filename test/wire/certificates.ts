/** X.509 certificates for tests, written in DER by hand (RFC 5280): Node signs but does not issue. ECDSA P-256. */
import { createPublicKey, generateKeyPairSync, sign, type KeyObject } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface Identity {
  /** Paths of PEM files. */
  readonly cert: string;
  readonly key: string;
}

export interface TestAuthority {
  /** Path of the authority's certificate. */
  readonly ca: string;
  readonly folder: string;
  /** A certificate for localhost, 127.0.0.1 and ::1. */
  issue(name: string): Identity;
  remove(): void;
}

export function testAuthority(name: string): TestAuthority {
  const folder = mkdtempSync(join(tmpdir(), 'rainbow-tls-'));
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const write = (file: string, text: string) => {
    const path = join(folder, file);
    writeFileSync(path, text, { mode: 0o600 });
    return path;
  };
  return {
    folder,
    ca: write('ca.pem', certificate(name, name, privateKey, privateKey, true)),
    issue(subject) {
      const own = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
      return {
        cert: write(`${subject}.pem`, certificate(subject, name, own, privateKey, false)),
        key: write(`${subject}.key`, own.export({ type: 'pkcs8', format: 'pem' }).toString()),
      };
    },
    remove: () => rmSync(folder, { recursive: true }),
  };
}

function certificate(subject: string, issuer: string, own: KeyObject, signer: KeyObject, isAuthority: boolean): string {
  const algorithm = sequence(oid('1.2.840.10045.4.3.2')); // ecdsa-with-SHA256
  const subjectNames = sequence(
    tlv(0x82, Buffer.from('localhost')),
    tlv(0x87, Buffer.from([127, 0, 0, 1])),
    tlv(0x87, Buffer.concat([Buffer.alloc(15), Buffer.from([1])])),
  );
  const extensions = sequence(
    extension('2.5.29.19', true, sequence(...(isAuthority ? [tlv(0x01, Buffer.from([0xff]))] : []))),
    extension('2.5.29.17', false, subjectNames),
  );
  const body = sequence(
    tlv(0xa0, integer(2)),
    integer(Math.floor(Math.random() * 1e9) + 1),
    algorithm,
    distinguishedName(issuer),
    sequence(time(-1), time(1)),
    distinguishedName(subject),
    createPublicKey(own).export({ type: 'spki', format: 'der' }),
    tlv(0xa3, extensions),
  );
  const signature = bitString(sign('sha256', body, signer));
  const base64 = sequence(body, algorithm, signature).toString('base64');
  return `-----BEGIN CERTIFICATE-----\n${base64.match(/.{1,64}/g)?.join('\n')}\n-----END CERTIFICATE-----\n`;
}

function extension(id: string, critical: boolean, value: Buffer): Buffer {
  return sequence(oid(id), ...(critical ? [tlv(0x01, Buffer.from([0xff]))] : []), tlv(0x04, value));
}

function distinguishedName(commonName: string): Buffer {
  return sequence(tlv(0x31, sequence(oid('2.5.4.3'), tlv(0x0c, Buffer.from(commonName)))));
}

/** UTCTime, so many days from now. */
function time(days: number): Buffer {
  const iso = new Date(Date.now() + days * 86_400_000).toISOString().replace(/[-:T]/g, '');
  return tlv(0x17, Buffer.from(`${iso.slice(2, 14)}Z`));
}

function integer(value: number): Buffer {
  const hex = value.toString(16);
  const bytes = Buffer.from(hex.length % 2 === 0 ? hex : `0${hex}`, 'hex');
  return tlv(0x02, (bytes[0] ?? 0) > 127 ? Buffer.concat([Buffer.from([0]), bytes]) : bytes);
}

function oid(text: string): Buffer {
  const [first = 0, second = 0, ...rest] = text.split('.').map(Number);
  const bytes = [first * 40 + second];
  for (const part of rest) {
    const digits = [part & 127];
    for (let left = part >>> 7; left > 0; left >>>= 7) digits.unshift((left & 127) | 128);
    bytes.push(...digits);
  }
  return tlv(0x06, Buffer.from(bytes));
}

function bitString(bytes: Buffer): Buffer {
  return tlv(0x03, Buffer.concat([Buffer.from([0]), bytes]));
}

function sequence(...parts: Buffer[]): Buffer {
  return tlv(0x30, Buffer.concat(parts));
}

function tlv(tag: number, value: Buffer): Buffer {
  const { length } = value;
  const size = length < 128 ? [length] : length < 256 ? [0x81, length] : [0x82, length >> 8, length & 255];
  return Buffer.concat([Buffer.from([tag, ...size]), value]);
}
