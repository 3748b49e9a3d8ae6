"""Times and spans that a program gives, for the wire."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Optional

from google.protobuf.timestamp_pb2 import Timestamp

from rainbow_queue.options import Moment, Span


def timestamp(moment: Optional[Moment], what: str) -> Optional[Timestamp]:
    """Raises ValueError for a time without a zone: whose noon it is to be, another machine cannot know."""
    if moment is None:
        return None
    if isinstance(moment, timedelta):
        moment = datetime.now(timezone.utc) + moment
    elif isinstance(moment, str):
        moment = _read(moment, what)
    if not isinstance(moment, datetime):
        raise TypeError(f"{what} is a datetime, a timedelta from now, or text, not {type(moment).__name__}")
    if moment.tzinfo is None:
        raise ValueError(
            f"{what} has no zone: use datetime.now(timezone.utc), or an offset as in 2030-01-31T12:00+01:00"
        )
    message = Timestamp()
    message.FromDatetime(moment.astimezone(timezone.utc))
    return message


def seconds(span: Span) -> float:
    return span.total_seconds() if isinstance(span, timedelta) else float(span)


def _read(text: str, what: str) -> datetime:
    try:
        # Before 3.11 Python does not know that Z is a zone.
        return datetime.fromisoformat(text.strip()[:-1] + "+00:00" if text.strip().endswith("Z") else text.strip())
    except ValueError:
        raise ValueError(f"{what}: {text[:40]!r} is no time; write it as 2030-01-31T12:00Z, with its zone") from None
