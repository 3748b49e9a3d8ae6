"""What a call that failed says."""

from __future__ import annotations

import grpc


class RainbowError(Exception):
    """A call was answered with an error, or not answered.

    `code` is a gRPC status code in small letters (`not_found`, `invalid_argument`, `unauthenticated`,
    `unavailable` …); the text says where and what to do.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message

    def __str__(self) -> str:
        return f"{self.message} ({self.code})"


def error_of(error: grpc.RpcError) -> RainbowError:
    """The same as a RainbowError."""
    code = error.code()
    name = "unknown" if code is None else code.name.lower()
    return RainbowError(name, error.details() or name)


def is_unavailable(error: grpc.RpcError) -> bool:
    """Nobody answered, or the server said that it cannot now: the same call may be sent again."""
    return error.code() == grpc.StatusCode.UNAVAILABLE
