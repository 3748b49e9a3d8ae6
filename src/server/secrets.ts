/**
 * Secrets: made, hashed, compared. A secret, token or request id is a random UUID (RFC 9562, version 4: 122 random
 * bits), as the prototype's clients expect. Only its SHA-256 is kept: what is random needs no slow password hash.
 * Invariant: no secret is compared but through `sameSecret`, in time that does not depend on where it differs.
 */
import { hash, timingSafeEqual } from 'node:crypto';
import type { Entropy } from '../system/system.ts';

/** A random UUID, version 4, lower case. */
export function newUuid(entropy: Entropy): string {
  const bytes = Uint8Array.from(entropy.bytes(16));
  bytes[6] = (bytes[6]! & 0x0f) | 0x40;
  bytes[8] = (bytes[8]! & 0x3f) | 0x80;
  const hex = Buffer.from(bytes).toString('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}

/** SHA-256 of the text's UTF-8, 32 bytes. */
export function hashSecret(secret: string): Uint8Array {
  return hash('sha256', secret, 'buffer');
}

/** SHA-256 in lower-case hex: for owners. */
export function hashHex(text: string): string {
  return hash('sha256', text, 'hex');
}

/** Is this the secret behind the hash? A hash of any other length matches nothing. */
export function sameSecret(secret: string, hash: Uint8Array): boolean {
  const given = hashSecret(secret);
  return given.length === hash.length && timingSafeEqual(given, hash);
}

/** Compared with where there is nothing to compare with, so that an unknown name takes as long as a wrong secret. */
export const NO_SECRET: Uint8Array = new Uint8Array(32);
