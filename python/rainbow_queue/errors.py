"""What a call that failed says, in words that name the remedy.

An error of the server comes out as it was there. The others (no server, no route, no trust) are told by what gRPC's
library says of them: it names causes, never remedies.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Dict, Optional, Type

import grpc

# The trailer in which the server names its error code; without it the error is the library's, or a proxy's.
_MARKER = "rainbow-error"


class RainbowError(Exception):
    """A call was answered with an error, or not answered; each `code` has a class of its own below.

    The text says where and what to do.
    """

    code = "internal"

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class InvalidInputError(RainbowError, ValueError):
    """What was asked for cannot be meant; the text names the place."""

    code = "invalid_input"


class UnauthenticatedError(RainbowError):
    """A secret, token or key is missing or wrong."""

    code = "unauthenticated"


class PermissionDeniedError(RainbowError):
    """Known, and not allowed."""

    code = "permission_denied"


class NotFoundError(RainbowError):
    """There is none, or it is not one's own."""

    code = "not_found"


class AlreadyExistsError(RainbowError):
    code = "already_exists"


class FailedPreconditionError(RainbowError):
    """Not as things are now: the text says what to change first."""

    code = "failed_precondition"


class AbortedError(RainbowError):
    """The call was given up, or somebody else was faster."""

    code = "aborted"


class OutOfRangeError(RainbowError):
    """Events after the one named were deleted; the text says from where on none is missing."""

    code = "out_of_range"


class ResourceExhaustedError(RainbowError):
    """Over a limit of the server."""

    code = "resource_exhausted"


class UnavailableError(RainbowError):
    """Nobody answers, or the server cannot now: the same call may be sent again later."""

    code = "unavailable"


class DeadlineExceededError(RainbowError, TimeoutError):
    """Not within the time that was given."""

    code = "deadline_exceeded"


class UnimplementedError(RainbowError):
    """What answers does not know the call."""

    code = "unimplemented"


class InternalError(RainbowError):
    """A fault of the server."""

    code = "internal"


_CLASSES: Dict[str, Type[RainbowError]] = {
    each.code: each
    for each in (
        InvalidInputError,
        UnauthenticatedError,
        PermissionDeniedError,
        NotFoundError,
        AlreadyExistsError,
        FailedPreconditionError,
        AbortedError,
        OutOfRangeError,
        ResourceExhaustedError,
        UnavailableError,
        DeadlineExceededError,
        UnimplementedError,
        InternalError,
    )
}
# gRPC's words for the same, where they are others.
_STATUSES = {"invalid_argument": "invalid_input", "cancelled": "aborted"}


class PrototypeCallError(grpc.RpcError):
    """A call of the prototype that failed: `code()` and `details()` as its users know them, and what to do as text."""

    def __init__(self, error: grpc.RpcError, words: str) -> None:
        super().__init__(words)
        self._error: Any = error
        self._words = words

    def code(self) -> Any:
        return self._error.code()

    def details(self) -> Any:
        return self._error.details()

    def trailing_metadata(self) -> Any:
        return self._error.trailing_metadata()

    def __str__(self) -> str:
        return self._words


@dataclass(frozen=True)
class CallFacts:
    """Of the call that failed. `within`: seconds that it was given, where it was not for ever."""

    host: str
    secure: bool
    method: str
    within: Optional[float]
    # Did this server ever answer?
    reached: bool = True
    # Secrets and tokens that it carried, and where they are from.
    carried: str = ""


def error_named(code: str, message: str, carried: str = "") -> RainbowError:
    """By the server's own word for it. `carried`: secrets and tokens in what was asked, and where they are from."""
    if code == "unauthenticated" and carried != "" and message == "request denied":
        message = f"{message}: check {carried}"
    return _CLASSES.get(code, InternalError)(message)


def error_of(error: Any, facts: CallFacts) -> RainbowError:
    """The same as one of the classes above."""
    details = error.details() or ""
    named = marker_of(error)
    if named is not None:
        return error_named(named, details, facts.carried)
    status = error.code()
    if status == grpc.StatusCode.UNAVAILABLE:
        return UnavailableError(_unreachable(details, facts))
    if status == grpc.StatusCode.DEADLINE_EXCEEDED:
        within = "in time" if facts.within is None else f"within {facts.within:g} s"
        if not facts.reached:
            return UnavailableError(
                f"nothing answers at {facts.host} {within}: check host and port, and whether a firewall is between"
            )
        return DeadlineExceededError(
            f"the server at {facts.host} did not answer {within}: it may still carry the call out; look before you ask "
            "again"
        )
    if status == grpc.StatusCode.RESOURCE_EXHAUSTED:
        return ResourceExhaustedError(
            f"a message of {facts.method} is over the limit for one ({details}): send or ask for less at once"
        )
    if status == grpc.StatusCode.UNIMPLEMENTED:
        return UnimplementedError(
            f"what answers at {facts.host} does not know {facts.method}: an older Rainbow, or another program"
        )
    name = "internal" if status is None else status.name.lower()
    return error_named(_STATUSES.get(name, name), details or f"the call failed: {name}")


def marker_of(error: Any) -> Optional[str]:
    """The server's own word for the error; None where it is not the server's."""
    metadata = error.trailing_metadata() or ()
    for key, value in metadata:
        if key == _MARKER:
            return str(value)
    return None


def is_unavailable(error: Any) -> bool:
    """Nobody answered, or the server said that it cannot now: the same call may be sent again."""
    return bool(error.code() == grpc.StatusCode.UNAVAILABLE)


def was_never_sent(error: Any) -> bool:
    """Was there not even a connection? Then the call may go to another server, whatever it does."""
    return marker_of(error) is None and re.search(r"failed to connect|resol|lookup", error.details() or "") is not None


def is_final(error: Any) -> bool:
    """Will it be the same however often one tries? A name that nobody knows, or two that do not speak the same."""
    pattern = r"resol|lookup|CERTIFICATE|Hostname|WRONG_VERSION|http1|Failed parsing HTTP/2"
    return re.search(pattern, error.details() or "") is not None


def _unreachable(details: str, facts: CallFacts) -> str:
    host = facts.host
    if re.search(r"resol|lookup", details):
        return f'the host name in "{host}" cannot be resolved: check it, or name another with host= or RAINBOW_HOST'
    if re.search(r"CERTIFICATE_VERIFY_FAILED|Hostname|Peer name", details):
        return (
            f"the certificate of the server at {host} is not trusted: name who signed it with use_ssl=Tls(ca=…) or "
            f"RAINBOW_CA_CERT, and call the server by a name that is in it ({_why(details)})"
        )
    if facts.secure and "WRONG_VERSION" in details:
        return f"the server at {host} does not use TLS: leave out use_ssl=, RAINBOW_CA_CERT and RAINBOW_CERT"
    if facts.secure and re.search(r"handshake|SSL", details, re.IGNORECASE):
        return (
            f"the server at {host} refuses this TLS connection: does it use TLS, and does it ask for a client "
            f"certificate (use_ssl=Tls(cert=…, key=…))? ({_why(details)})"
        )
    if re.search(r"http1|Failed parsing HTTP/2", details):
        return f"what answers at {host} does not speak gRPC: check the port"
    if "failed to connect" in details and re.search(r"Socket closed|reset by peer", details):
        other = (
            "it may not use TLS, or ask for a client certificate" if facts.secure else "it may expect TLS (use_ssl=)"
        )
        return f"what listens at {host} closes the connection at once: {other}"
    if re.search(r"Socket closed|reset by peer|GOAWAY|Broken pipe|Connection dropped", details, re.IGNORECASE):
        if facts.within is None:
            return f"the connection to {host} broke: ask again"
        return (
            f"the connection to {host} broke before the answer came: it is not known whether the call was carried out"
        )
    return f"no server answers at {host}: start one with `rainbow serve`, or name another with host= or RAINBOW_HOST"


def _why(details: str) -> str:
    found = re.search(r"OPENSSL_internal:(\S+?)(?::|$)|last error: \w+: (.*)", details)
    return details[:200] if found is None else (found.group(1) or found.group(2) or "")[:200]
