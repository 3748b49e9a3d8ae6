"""What both clients need to follow a stream over breaks: where it goes on, and what was seen already."""

from __future__ import annotations

from typing import Any, Dict, List, Tuple

from rainbow_queue import answers
from rainbow_queue.answers.convert import datetime_of, value_of
from rainbow_queue.call import JOBS
from rainbow_queue.protos.v1 import job_pb2, jobs_pb2

WATCH = JOBS + "WatchEvents"
OUTPUT = JOBS + "ReadOutput"
Event = job_pb2.Event
OutputChunk = jobs_pb2.OutputChunk


class EventPosition:
    """The last event that was handed out. Without a job (0): of all one's jobs."""

    def __init__(self, job_id: int, after: int, follow: bool, from_now: bool = False) -> None:
        self._job_id = job_id
        self._after = after
        self._begin = after
        self._from_now = from_now
        self.follow = follow

    def request(self) -> Any:
        # Once something came, from there on: what happened while the connection was broken is told as well.
        from_now = self._from_now and self._after == self._begin
        return jobs_pb2.WatchEventsRequest(
            job_id=self._job_id, after_seq=self._after, follow=self.follow, from_now=from_now
        )

    def take(self, message: Any) -> answers.Event:
        self._after = message.seq
        return value_of(answers.Event, message)

    def over(self, event: answers.Event) -> bool:
        """One job's events end with the job; an array's when it says so itself, not with its tasks'."""
        return self._job_id != 0 and event.job_id == self._job_id and event.kind in answers.ENDED


class OutputPosition:
    """How far each stream of one attempt was handed out."""

    def __init__(self, job_id: int, epoch: int, follow: bool) -> None:
        self._job_id = job_id
        self._request = jobs_pb2.ReadOutputRequest(id=job_id, epoch=epoch, follow=follow)
        self._seen: Dict[Tuple[int, int], int] = {}

    def request(self) -> Any:
        return self._request

    def take(self, message: Any) -> List[answers.Output]:
        """Nothing where all of it was seen before a break; a gap first, where bytes before it were not kept."""
        key = (message.task, message.stream)
        seen = self._seen.get(key, 0)
        begin = message.offset + message.not_kept
        end = begin + len(message.data)
        if end <= seen:
            return []
        self._seen[key] = end
        pieces = []
        if begin > seen:
            pieces.append(self._piece(message, seen, b"", begin - seen))
        if message.data:
            at = max(begin, seen)
            pieces.append(self._piece(message, at, message.data[at - begin :], 0))
        return pieces

    def _piece(self, message: Any, offset: int, data: bytes, not_kept: int) -> answers.Output:
        stream = "stderr" if message.stream == jobs_pb2.OUTPUT_STREAM_STDERR else "stdout"
        at = datetime_of(message.at) if message.HasField("at") else None
        return answers.Output(self._job_id, message.task, stream, offset, data, not_kept, at)
