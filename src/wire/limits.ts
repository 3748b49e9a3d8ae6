/** What both ends of the wire agree on without asking. */

/** The port of `serve`, and of a client that was given a host alone; the prototype's. */
export const DEFAULT_PORT = 50051;

/** Bytes in one message, either way. Larger graphs go in pieces (ClusterService.RegisterInPieces). */
export const MAX_MESSAGE_BYTES = 64 * 1024 * 1024;

/** Accounts that an agent names as those that have a local user. */
export const MOST_ACCOUNTS = 20_000;

/** Bytes of JGF text up to which a graph goes in one message; a larger one would hold up whoever reads it. */
export const WHOLE_GRAPH_BYTES = 4 * 1024 * 1024;

/** Bytes of JGF text in one piece of a graph that is sent in pieces, before it is packed. */
export const PIECE_BYTES = 3 * 1024 * 1024;
