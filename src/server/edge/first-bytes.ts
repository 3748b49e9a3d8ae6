/**
 * Tells HTTP/2 from HTTP/1.1 on a fresh connection by its first bytes: HTTP/2 opens with `PRI * HTTP/2.0` (RFC 9113
 * section 3.4), and no HTTP/1.1 method begins with PRI. Three bytes decide. They are given back to the socket, which
 * is handed on paused.
 */
import type { Socket } from 'node:net';

const PREFACE = Buffer.from('PRI', 'latin1');

export function onFirstBytes(socket: Socket, decide: (protocol: 'http2' | 'http1') => void): void {
  let seen: Buffer = Buffer.alloc(0);

  function onData(chunk: Buffer): void {
    seen = seen.length === 0 ? chunk : Buffer.concat([seen, chunk]);
    const length = Math.min(seen.length, PREFACE.length);
    const maybe = seen.subarray(0, length).equals(PREFACE.subarray(0, length));
    if (maybe && seen.length < PREFACE.length) return;
    socket.off('data', onData);
    socket.pause();
    socket.unshift(seen);
    decide(maybe ? 'http2' : 'http1');
  }

  socket.on('data', onData);
}
