"""What both clients need to follow a stream over breaks: where it goes on, and what was seen already."""

from __future__ import annotations

from typing import Any, Dict, Optional, Tuple

from rainbow_queue import types
from rainbow_queue.protos.v1 import job_pb2, jobs_pb2

WATCH = "/rainbow.v1.JobService/WatchEvents"
OUTPUT = "/rainbow.v1.JobService/ReadOutput"


class Backoff:
    """Seconds to wait before the next try; begins anew once something came."""

    def __init__(self) -> None:
        self._next = 0.1

    def seconds(self) -> float:
        now, self._next = self._next, min(self._next * 2, 5.0)
        return now

    def came(self) -> None:
        self._next = 0.1


class EventPosition:
    """The last event that was handed out."""

    def __init__(self, job_id: Optional[int], after: int, follow: bool) -> None:
        self._job_id = job_id
        self._after = after
        self._follow = follow

    def request(self) -> Any:
        return jobs_pb2.WatchEventsRequest(job_id=self._job_id or 0, after_seq=self._after, follow=self._follow)

    def take(self, message: Any) -> types.Event:
        self._after = message.seq
        return types.event_of(message)

    def over(self, event: types.Event) -> bool:
        """One job's events end with the job."""
        return self._job_id is not None and event.job_id == self._job_id and event.kind in types.ENDED


class OutputPosition:
    """How far each stream of one attempt was handed out."""

    def __init__(self, job_id: int, epoch: int, follow: bool) -> None:
        self._request = jobs_pb2.ReadOutputRequest(id=job_id, epoch=epoch, follow=follow)
        self._seen: Dict[Tuple[int, int], int] = {}

    def request(self) -> Any:
        return self._request

    def take(self, message: Any) -> Optional[types.Output]:
        """Null where all of it was seen before the break."""
        key = (message.task, message.stream)
        end = message.offset + len(message.data)
        seen = self._seen.get(key, -1)
        if end <= seen:
            return None
        piece = types.output_of(message)
        self._seen[key] = end
        if message.offset < seen:
            return types.Output(piece.task, piece.stream, seen, piece.data[seen - message.offset :])
        return piece


Event = job_pb2.Event
OutputChunk = jobs_pb2.OutputChunk
