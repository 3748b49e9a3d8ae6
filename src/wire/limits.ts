/** What both ends of the wire agree on without asking. */

/** The port of `serve`, and of a client that was given a host alone; the prototype's. */
export const DEFAULT_PORT = 50051;

/** Bytes in one message, either way. Larger graphs go in pieces (ClusterService.RegisterInPieces). */
export const MAX_MESSAGE_BYTES = 64 * 1024 * 1024;

/** Accounts that an agent names as those that have a local user. */
export const MOST_ACCOUNTS = 20_000;

/** Bytes of JGF text in one piece of a graph that is sent in pieces. */
export const PIECE_BYTES = 1024 * 1024;
