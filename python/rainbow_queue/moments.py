"""Times and spans that a program gives, for the wire."""

from __future__ import annotations

import math
from datetime import datetime, timedelta, timezone
from typing import Optional

from google.protobuf.timestamp_pb2 import Timestamp

from rainbow_queue.errors import InvalidInputError
from rainbow_queue.options import Moment, Span


def timestamp(moment: Optional[Moment], what: str) -> Optional[Timestamp]:
    """Raises InvalidInputError for what is no time, and for one without a zone: whose noon it is, nobody else knows."""
    if moment is None:
        return None
    if isinstance(moment, timedelta):
        try:
            moment = datetime.now(timezone.utc) + moment
        except OverflowError:
            raise InvalidInputError(f"{what}: {moment} from now is no time that there will be, or was") from None
    elif isinstance(moment, str):
        moment = _read(moment, what)
    if not isinstance(moment, datetime):
        raise InvalidInputError(f"{what} is a datetime, a timedelta from now, or text, not {type(moment).__name__}")
    if moment.tzinfo is None:
        raise InvalidInputError(
            f"{what} has no zone: use datetime.now(timezone.utc), or an offset as in 2030-01-31T12:00+01:00"
        )
    message = Timestamp()
    message.FromDatetime(moment.astimezone(timezone.utc))
    return message


def seconds(span: Span) -> float:
    return span.total_seconds() if isinstance(span, timedelta) else float(span)


def patience_of(span: Optional[Span], what: str) -> Optional[float]:
    """Seconds that are waited; None: as long as it takes. Raises InvalidInputError."""
    if span is None:
        return None
    try:
        waited = seconds(span)
    except (TypeError, ValueError):
        waited = math.nan
    if isinstance(span, bool) or not waited >= 0:
        raise InvalidInputError(f"{what}: {span!r} is not seconds, from 0 on, nor a timedelta")
    return None if math.isinf(waited) else waited


def _read(text: str, what: str) -> datetime:
    try:
        # Before 3.11 Python does not know that Z is a zone.
        return datetime.fromisoformat(text.strip()[:-1] + "+00:00" if text.strip().endswith("Z") else text.strip())
    except ValueError:
        raise InvalidInputError(f"{what}: {text[:40]!r} is no time; write it as 2030-01-31T12:00Z, with its zone") from None
