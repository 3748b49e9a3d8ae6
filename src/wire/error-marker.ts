/**
 * The metadata key (gRPC trailer, Connect header) in which the server names its error code. Its presence tells an
 * error of the server from one that the client's own library or a proxy made up: both may say UNAVAILABLE.
 */
export const ERROR_CODE_KEY = 'rainbow-error';
