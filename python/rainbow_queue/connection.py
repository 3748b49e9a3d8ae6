"""What both clients know of their server before they ask it anything."""

from __future__ import annotations

import random
import re
from typing import Any, Iterable, Optional, Tuple, Union

from rainbow_queue.call import Call
from rainbow_queue.channel import Tls
from rainbow_queue.errors import (
    CallFacts,
    FailedPreconditionError,
    InternalError,
    InvalidInputError,
    PrototypeCallError,
    RainbowError,
    error_of,
    is_unavailable,
    marker_of,
    was_never_sent,
)
from rainbow_queue.moments import patience_of
from rainbow_queue.options import Span
from rainbow_queue.settings import read_settings
from rainbow_queue.user_key import is_user_key, user_key

Metadata = Tuple[Tuple[str, str], ...]
# A year, in seconds.
_LONGEST = 366 * 86_400.0


class Connection:
    """Configuration, identity, and errors in words.

    host: `NAME:PORT`, or several on one database, as a list or with commas: one that answers is kept until it does not.
        Else RAINBOW_HOST, else the configuration's, else localhost:50051.
    config_file: where clusters, groups and their tokens are read from. Else RAINBOW_CONFIG, else the user's own, which the
        command line reads as well, and which alone need not exist.
    database: for the prototype's sake; the server has its own.
    use_ssl: True, or Tls with the files to use; else as RAINBOW_CA_CERT, RAINBOW_CERT and RAINBOW_CERT_KEY say.
    key: whose jobs these are: a user key, or the server's secret for an operator. By default the user's own, which is
        made where there is none yet.
    timeout: seconds, or a timedelta, that one call may take, repeated tries included.
    """

    def __init__(
        self,
        host: Union[None, str, Iterable[str]] = None,
        config_file: Optional[str] = None,
        database: Optional[str] = None,
        use_ssl: Union[None, bool, Tls] = None,
        key: Optional[str] = None,
        timeout: Span = 60.0,
    ) -> None:
        if key is not None and (not isinstance(key, str) or re.fullmatch(r"[!-~]+", key) is None):
            # What it is, is shown to nobody.
            raise InvalidInputError("key: it is no user key, and no server’s secret: those have letters, digits and signs")
        settings = read_settings(host, config_file, use_ssl)
        self.cfg = settings.cfg
        self.host = ",".join(settings.hosts)
        # Clients spread over the servers.
        self._hosts = random.sample(settings.hosts, len(settings.hosts))
        # The place of the one that is asked now.
        self._at = 0
        self.database = database or "memory"
        # Where one is to wait for ever, for as long as gRPC's library can.
        self.timeout = _LONGEST if (waited := patience_of(timeout, "timeout")) is None else min(waited, _LONGEST)
        self._tls = settings.tls
        self._key = key
        # Did the server ever answer?
        self._reached = False
        self._closed = False

    @property
    def _is_operator(self) -> bool:
        return self._key is not None and not is_user_key(self._key)

    def _metadata(self) -> Metadata:
        if self._closed:
            raise FailedPreconditionError("this client was closed: make another one")
        if self._key is None:
            self._key = user_key()
        return (("authorization", f"Bearer {self._key}"),)

    def _answered(self, error: Any) -> None:
        """Even an error is an answer, if it is the server's."""
        self._reached = self._reached or marker_of(error) is not None

    def _moves_on(self, error: Any, again: bool) -> bool:
        """Is the next server asked, since this one does not answer? `again`: a call that may have come may be repeated."""
        if len(self._hosts) == 1 or not is_unavailable(error) or not (again or was_never_sent(error)):
            return False
        self._at = (self._at + 1) % len(self._hosts)
        return True

    def _failed(self, error: Any, method: str, within: Optional[float], carried: str = "") -> RainbowError:
        return error_of(error, self._facts(method, within, carried))

    def _failed_call(self, error: Any, call: Call) -> Exception:
        carried = call.carried
        if self._is_operator and not call.prototype:
            carried = f"the server’s secret, which was given as key=, and {carried}" if carried else "key="
        words = self._failed(error, call.method, self.timeout, carried)
        if not call.prototype:
            return words
        # The server's own words are all that its users ever saw.
        return PrototypeCallError(error, str(error.details()) if marker_of(error) else str(words))

    def _facts(self, method: str, within: Optional[float], carried: str) -> CallFacts:
        return CallFacts(self.host, self._tls is not False, method.lstrip("/"), within, self._reached, carried)


def serialize(message: Any) -> bytes:
    return bytes(message.SerializeToString())


def understood(message: Any, method: str) -> Any:
    """For asyncio gRPC's library hands over None where it could not read what came."""
    if message is None:
        raise InternalError(f"the answer to {method.lstrip('/')} cannot be read: what answers is no Rainbow, or a newer one")
    return message
