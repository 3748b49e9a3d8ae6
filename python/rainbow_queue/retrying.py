"""When a call or stream that failed is tried again, and after how long."""

from __future__ import annotations

from typing import Any, Optional

import grpc

from rainbow_queue.errors import is_final, is_unavailable, marker_of

# A server that never answered this client may be a wrong address: so many seconds are tried, and no more.
_FIRST_SECONDS = 5.0


class Patience:
    """Of one call, or of one stream over its breaks. Times are of a clock that only goes forward, in seconds.

    until: given up then; None: never, once the server has answered.
    within: seconds after the last that came, which move `until` on.
    """

    def __init__(self, now: float, until: Optional[float], within: Optional[float] = None) -> None:
        self._begun = now
        self._within = within
        self._until = until if within is None else now + within
        self._next = 0.1

    def came(self, now: float) -> None:
        """Something did: the next break is a new one."""
        self._next = 0.1
        if self._within is not None:
            self._until = now + self._within

    def pause(self, error: Any, now: float, reached: bool) -> Optional[float]:
        """Seconds to wait before the next try; None: it is an error. `reached`: did the server ever answer?"""
        if not is_unavailable(error):
            return None
        if marker_of(error) is None and not reached and (is_final(error) or now - self._begun > _FIRST_SECONDS):
            return None
        seconds = self.seconds()
        return None if self._until is not None and now + seconds >= self._until else seconds

    def is_over(self, error: Any, reached: bool) -> bool:
        """After no pause was left: was it for the time, and not for the error?"""
        late = error.code() == grpc.StatusCode.DEADLINE_EXCEEDED and marker_of(error) is None
        return self._until is not None and (late or (reached and is_unavailable(error)))

    def seconds(self) -> float:
        """Twice as long each time."""
        now, self._next = self._next, min(self._next * 2, 5.0)
        return now
