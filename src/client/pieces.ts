/**
 * Registers a cluster whatever the size of its graph: in one message where it fits, else in pieces
 * (ClusterService.RegisterInPieces: the first message has everything but the graph, which then comes in order).
 */
import type { MessageInitShape } from '@bufbuild/protobuf';
import type { CallOptions } from '@connectrpc/connect';
import type { RegisterClusterRequestSchema, RegisterClusterResponse } from '../gen/rainbow/v1/clusters_pb.js';
import { MAX_MESSAGE_BYTES, PIECE_BYTES } from '../wire/limits.ts';
import type { RainbowClient } from './client.ts';

export interface Registration {
  readonly name: string;
  readonly secret: string;
  /** JGF version 2, as JSON text. */
  readonly graph: string;
  readonly replace?: boolean;
}

type Piece = MessageInitShape<typeof RegisterClusterRequestSchema>;

/** A large graph may have a slow way to go, and is read before the answer. */
const TIMEOUT_MS = 300_000;

/** Bytes of a message that are not the graph: names, secrets and framing, generously. */
const ROOM_FOR_THE_REST = 64 * 1024;

export function registerCluster(
  { clusters }: Pick<RainbowClient, 'clusters'>,
  registration: Registration,
  options?: CallOptions,
): Promise<RegisterClusterResponse> {
  const patient = { timeoutMs: TIMEOUT_MS, ...options };
  const bytes = Buffer.byteLength(registration.graph, 'utf8');
  if (bytes <= MAX_MESSAGE_BYTES - ROOM_FOR_THE_REST) return clusters.register(registration, patient);
  return clusters.registerInPieces(pieces(registration), patient);
}

/** The messages of RegisterInPieces. A piece has at most `pieceBytes` of UTF-8 (4 at least) and never half a character. */
export async function* pieces(registration: Registration, pieceBytes = PIECE_BYTES): AsyncGenerator<Piece> {
  const { graph, ...rest } = registration;
  yield { ...rest, graph: '' };
  for (const piece of splitText(graph, pieceBytes)) yield { graph: piece };
}

export function* splitText(text: string, pieceBytes: number): Generator<string> {
  // A UTF-16 unit is at most three bytes of UTF-8, and a pair of them four: a third of the bytes never overflows.
  const units = Math.max(2, Math.floor(pieceBytes / 3));
  for (let start = 0; start < text.length;) {
    let end = Math.min(start + units, text.length);
    if (end < text.length && isHighSurrogate(text.charCodeAt(end - 1))) end -= 1;
    yield text.slice(start, end);
    start = end;
  }
}

function isHighSurrogate(unit: number): boolean {
  return unit >= 0xd800 && unit <= 0xdbff;
}
