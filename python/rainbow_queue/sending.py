"""Many submits under way at once: which are waited for, and in whose turn which answer is given."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterator as Once
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Deque, Dict, Iterable, Iterator, List, Optional, Union, cast

from rainbow_queue import answers
from rainbow_queue.answers.convert import value_of
from rainbow_queue.call import JOBS
from rainbow_queue.errors import AbortedError, InternalError, InvalidInputError, RainbowError, error_named
from rainbow_queue.jobspec import JobspecLike
from rainbow_queue.operations.jobs import Prepared
from rainbow_queue.options import SubmitOptions, check_names
from rainbow_queue.protos.v1 import jobs_pb2

if TYPE_CHECKING:
    from typing_extensions import Unpack

METHOD = JOBS + "SubmitMany"
Response = jobs_pb2.SubmitResponse
SubmitAnswer = Union[answers.Submitted, RainbowError]


class Submission:
    """One of many: a jobspec with a name and options of its own, which count over those of all."""

    def __init__(self, jobspec: JobspecLike, name: Optional[str] = None, **options: Unpack[SubmitOptions]) -> None:
        check_names(options, SubmitOptions, "Submission")
        self.jobspec = jobspec
        self.name = name
        self.options = options


class Sending:
    """At most `window` are under way. What came over a break is sent again, under the keys that it had."""

    def __init__(
        self, jobs: Iterable[Union[JobspecLike, Submission]], window: int, options: SubmitOptions
    ) -> None:
        check_names(options, SubmitOptions, "submit_many")
        if isinstance(jobs, (str, bytes, Mapping, os.PathLike, Submission)) or hasattr(jobs, "to_yaml"):
            raise TypeError('submit_many(): this is one job: give a list, as in submit_many(["train.yaml"])')
        if "idempotency_key" in options:
            raise TypeError("submit_many(): each job has a key of its own, as in Submission(…, idempotency_key=…)")
        if not isinstance(window, int) or window < 1:
            raise InvalidInputError(f"window: {window!r} is not a whole number of jobs, at least 1")
        # What can be read only once is read for all of them.
        self._shared: Dict[str, Any] = {
            name: list(value) if isinstance(value, Once) else value for name, value in options.items()
        }
        self._source = iter(jobs)
        self._window = window
        # What was sent, or why it could not be.
        self._waiting: Deque[Union[Prepared, RainbowError]] = deque()
        self.over = False
        # With what reading them ended, if it did: raised behind the answers to those that were read.
        self._broken: Optional[Exception] = None

    def room(self) -> Iterator[Submission]:
        """The next ones, as long as there is room; `over` once there are no more."""
        while len(self._waiting) < self._window and not self.over:
            try:
                job = next(self._source)
            except StopIteration:
                self.over = True
                return
            except Exception as error:
                self.over, self._broken = True, error
                return
            one = job if isinstance(job, Submission) else Submission(job)
            yield Submission(one.jobspec, one.name, **cast(SubmitOptions, {**self._shared, **one.options}))

    def sent(self, job: Prepared) -> None:
        self._waiting.append(job)

    def refused(self, error: Exception) -> None:
        """No request could be made of it. Whatever it is, it is the answer of this one: others are on their way."""
        if not isinstance(error, RainbowError):
            named = isinstance(error, (TypeError, ValueError))
            said = InvalidInputError(str(error) if named else f"{type(error).__name__}: {error}")
            said.__cause__ = error
            error = said
        self._waiting.append(error)

    def ended(self) -> bool:
        """Has every one that was read its answer? Raises what reading them ended with."""
        if not self.over or self._waiting:
            return False
        if self._broken is not None:
            raise self._broken
        return True

    def unanswered(self) -> List[Any]:
        """The requests, in their order."""
        return [each.request for each in self._waiting if not isinstance(each, RainbowError)]

    def due(self) -> Iterator[SubmitAnswer]:
        """Of those that were never sent, the ones whose turn it is."""
        while self._waiting and isinstance(self._waiting[0], RainbowError):
            yield cast(RainbowError, self._waiting.popleft())

    def take(self, message: Any) -> Union[SubmitAnswer, Prepared]:
        """What it says to the first that was sent; that one itself, where its files are gone and it is to be sent again."""
        if not self._waiting:
            raise InternalError("the server answered more jobs than were sent")
        job = cast(Prepared, self._waiting.popleft())
        if message.HasField("error"):
            error = error_named(message.error.code, message.error.message, job.carried)
            return job if isinstance(error, AbortedError) and job.request.stage_in else error
        return value_of(answers.Submitted, message)
