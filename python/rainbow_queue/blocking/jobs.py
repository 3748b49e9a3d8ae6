"""Jobs: submit, look, follow, stop. Errors are RainbowError."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Iterator, Optional

from rainbow_queue import answers, fetching, streams
from rainbow_queue.blocking.caller import Caller
from rainbow_queue.errors import DeadlineExceededError, InvalidInputError
from rainbow_queue.jobspec import JobspecLike
from rainbow_queue.moments import patience_of
from rainbow_queue.operations import jobs
from rainbow_queue.operations.requests import list_request
from rainbow_queue.options import JobId, ListOptions, MatchOptions, Span, SubmitOptions
from rainbow_queue.retrying import Patience

if TYPE_CHECKING:
    from typing_extensions import Unpack


class Jobs(Caller):
    def submit(
        self, jobspec: JobspecLike, name: Optional[str] = None, **options: Unpack[SubmitOptions]
    ) -> answers.Submitted:
        """Submits a jobspec (a path, text, a mapping, or a Jobspec of the jobspec package); options.py lists the rest.

        Answers once the job is durable. While the server is away it is tried again, until the timeout, and never
        makes a second job. A job that no cluster can ever hold is stored as `rejected`, with its reasons.
        """
        return self._run(jobs.submit(self.cfg, self._is_operator, jobspec, name, options))

    def match(self, jobspec: JobspecLike, placement: bool = False, **options: Unpack[MatchOptions]) -> answers.Matched:
        """Which clusters could hold a jobspec, and what would open the others. Nothing is stored.

        placement: also which vertices it would take, for those with tokens.
        """
        return self._run(jobs.match(self.cfg, jobspec, placement, options))

    def job(self, job: JobId) -> answers.Job:
        """One job with its jobspec and attempts."""
        return self._run(jobs.get(job))

    def jobs(self, **options: Unpack[ListOptions]) -> Iterator[answers.Job]:
        """One's jobs, newest first unless asked otherwise, page by page; options.py lists what can be asked."""
        request = list_request(options)
        while True:
            page = self._run(jobs.page(request))
            for found in page:
                yield found
            if request.page_token == "":
                return

    def cancel(self, job: JobId, message: str = "") -> answers.Job:
        """Asks for a cancel; of an array, of all its tasks. Idempotent.

        A job that an agent holds is canceled when that agent has confirmed it.
        """
        return self._run(jobs.cancel(job, message))

    def hold(self, job: JobId, message: str = "") -> answers.Job:
        """Keeps a pending job from being decided; of an array all pending tasks. Idempotent."""
        return self._run(jobs.hold(job, message))

    def release(self, job: JobId) -> answers.Job:
        """Lets it go. Idempotent."""
        return self._run(jobs.release(job))

    def explain(self, job: JobId) -> answers.Explanation:
        """Every decision on a job: who was asked, who could not and why, and what would have opened them."""
        return self._run(jobs.explain(job))

    def wait(self, job: JobId, timeout: Optional[Span] = None) -> answers.Job:
        """Blocks until the job, or all of the array, has ended. After `timeout` (seconds, or a timedelta) a DeadlineExceededError."""
        ended = None
        for found in self.watch(job, timeout):
            ended = found
        assert ended is not None
        return ended

    def watch(self, job: JobId, timeout: Optional[Span] = None) -> Iterator[answers.Job]:
        """The job as it is now, and again whenever its state changes, until it has ended."""
        waited = patience_of(timeout, "timeout")
        until = None if waited is None else time.monotonic() + waited
        found = self.job(job)
        yield found
        if found.ended:
            return
        try:
            # From its first event on: one between the question and the stream would be missed.
            for event in self._events(streams.EventPosition(found.id, 0, True), until):
                if event.job_id == found.id and event.kind in answers.STATES and event.kind != found.state:
                    before, found = found, self.job(found.id)
                    if (found.state, found.epoch) != (before.state, before.epoch):
                        yield found
                    if found.ended:
                        return
        except DeadlineExceededError:
            raise DeadlineExceededError(
                f"job {found.id} is {found.state} after {waited:g} s; it goes on: wait for it again"
            ) from None

    def events(
        self, job: Optional[JobId] = None, after: int = 0, follow: bool = False, from_now: bool = False
    ) -> Iterator[answers.Event]:
        """Events after the number `after`, in commit order: of one job or array, or of all one's jobs.

        With `follow` it goes on until the job has ended (without a job: for ever), over breaks of the connection, and
        neither misses nor repeats one. from_now: with `follow`, only what happens from now on.
        """
        number = 0 if job is None else self._run(jobs.number(job))
        for event in self._events(streams.EventPosition(number, after, follow, from_now), None):
            yield event

    def logs(self, job: JobId, follow: bool = False, epoch: int = 0) -> Iterator[answers.Output]:
        """What the job's tasks wrote, in the order in which it came; of the newest attempt unless `epoch` is given.

        With `follow` until the job has ended, over breaks of the connection and into new attempts. Of an array task
        after task. Where bytes were not kept, by the job's cap, a piece says how many.
        """
        found = self.job(job)
        if found.array is None:
            for piece in self._logs(found, follow, epoch):
                yield piece
            return
        for task in self.jobs(array=found.id, oldest_first=True):
            for piece in self._logs(task, follow, epoch):
                yield piece

    def output(self, job: JobId, stream: str = "stdout", task: Optional[int] = None) -> str:
        """All that was kept of one stream, as text; of all tasks, unless one is given."""
        if stream not in ("stdout", "stderr"):
            raise InvalidInputError(f"stream: {stream!r} is neither stdout nor stderr")
        pieces = [piece for piece in self.logs(job) if piece.stream == stream and (task is None or piece.task == task)]
        return b"".join(piece.data for piece in pieces).decode("utf-8", "replace")

    def fetch(self, job: JobId, to: str, attempt: int = 0) -> answers.Fetched:
        """Brings what a job, or a task of an array, left behind (`stage_out`) into a folder.

        Of the newest attempt that left something, unless `attempt` is given. Nothing that is there is overwritten, and
        nothing is there before it is whole. Over breaks of the connection it goes on; where it ends in an error, or with
        the process, the same fetch again goes on with what has come.
        """
        files = fetching.Fetching(self._run(jobs.number(job)), attempt, to)
        try:
            for page in self._follow(fetching.LIST, files.list_request, fetching.ListFilesResponse, None, False):
                files.listed(page)
            files.look()
            patience = Patience(time.monotonic(), None)
            until = time.monotonic() + self.timeout
            while files.lacking():
                lacking = files.lacking()
                for piece in self._follow(
                    fetching.DOWNLOAD, files.download_request, fetching.DownloadFilesResponse, None, False
                ):
                    files.came(piece)
                # The server may have ended it in the middle, as one does that stops and comes back.
                now = time.monotonic()
                if files.lacking() < lacking:
                    patience.came(now)
                    until = now + self.timeout
                elif now >= until:
                    raise files.unfinished()
                if files.lacking():
                    time.sleep(patience.seconds())
            return files.placed()
        finally:
            files.end()

    def _events(self, position: streams.EventPosition, until: Optional[float]) -> Iterator[answers.Event]:
        patience = Patience(time.monotonic(), until)
        while True:
            for message in self._follow(streams.WATCH, position.request, streams.Event, until, position.follow):
                patience.came(time.monotonic())
                event = position.take(message)
                yield event
                if position.follow and position.over(event):
                    return
            if not position.follow:
                return
            # The server ended it, as one does that stops and comes back.
            time.sleep(patience.seconds())

    def _logs(self, job: answers.Job, follow: bool, epoch: int) -> Iterator[answers.Output]:
        attempt = epoch or job.attempt
        position = streams.OutputPosition(job.id, attempt, follow)
        patience = Patience(time.monotonic(), None)
        while True:
            for message in self._follow(streams.OUTPUT, position.request, streams.OutputChunk, None, follow):
                patience.came(time.monotonic())
                for piece in position.take(message):
                    yield piece
            if not follow:
                return
            job = self.job(job.id)
            if epoch == 0 and job.attempt != attempt:
                attempt = job.attempt
                position = streams.OutputPosition(job.id, attempt, follow)
            elif job.ended or job.epoch > attempt:
                return
            else:
                time.sleep(patience.seconds())
