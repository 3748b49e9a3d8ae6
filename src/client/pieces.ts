/**
 * Registers a cluster whatever the size of its graph: a small one in one message, else in packed pieces
 * (ClusterService.RegisterInPieces: the first message has everything but the graph, which then comes in order).
 */
import { promisify } from 'node:util';
import { constants, zstdCompress } from 'node:zlib';
import type { MessageInitShape } from '@bufbuild/protobuf';
import type { CallOptions } from '@connectrpc/connect';
import type { RegisterClusterRequestSchema, RegisterClusterResponse } from '../gen/rainbow/v1/clusters_pb.js';
import { PIECE_BYTES, WHOLE_GRAPH_BYTES } from '../wire/limits.ts';
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

/** Pieces that are packed ahead of the one that is sent: as many as there are threads for it. */
const AHEAD = 4;

const compress = promisify(zstdCompress);
const fast = { params: { [constants.ZSTD_c_compressionLevel]: 1 } };

export function registerCluster(
  { clusters }: Pick<RainbowClient, 'clusters'>,
  registration: Registration,
  options?: CallOptions,
): Promise<RegisterClusterResponse> {
  const patient = { timeoutMs: TIMEOUT_MS, ...options };
  const bytes = Buffer.byteLength(registration.graph, 'utf8');
  if (bytes <= WHOLE_GRAPH_BYTES) return clusters.register(registration, patient);
  return clusters.registerInPieces(pieces(registration), patient);
}

/** The messages of RegisterInPieces. A piece has at most `pieceBytes` of UTF-8 (4 at least) and never half a character. */
export async function* pieces(registration: Registration, pieceBytes = PIECE_BYTES): AsyncGenerator<Piece> {
  const { graph, ...rest } = registration;
  yield { ...rest, graph: '' };
  const packing: Promise<Buffer>[] = [];
  for (const piece of splitText(graph, pieceBytes)) {
    packing.push(compress(piece, fast));
    if (packing.length > AHEAD) yield { packedGraph: await packing.shift()! };
  }
  for (const packed of packing) yield { packedGraph: await packed };
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
