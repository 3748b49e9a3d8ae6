# Made from ../blocking by twins.py; never edited.
"""Submits by the stream. Errors are RainbowError."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any, Iterable, AsyncIterator, Optional, Union

import grpc

from rainbow_queue.aio.caller import Caller
from rainbow_queue.connection import serialize, understood
from rainbow_queue.errors import RainbowError, UnavailableError
from rainbow_queue.feed import AsyncFeed
from rainbow_queue.jobspec import JobspecLike
from rainbow_queue.operations import jobs
from rainbow_queue.options import SubmitOptions
from rainbow_queue.retrying import Patience
from rainbow_queue.sending import METHOD, Response, Sending, Submission, SubmitAnswer

if TYPE_CHECKING:
    from typing_extensions import Unpack


class Many(Caller):
    async def submit_many(
        self,
        jobspecs: Iterable[Union[JobspecLike, Submission]],
        window: int = 256,
        **options: Unpack[SubmitOptions],
    ) -> AsyncIterator[SubmitAnswer]:
        """Submits as many as come over one stream, and answers each in its order, once it is durable.

        An answer is what `submit` gives, or the error with which that one was refused: the others go on. Options are
        for all; a Submission has some of its own. At most `window` are under way: the answers begin when so many were
        sent, or all, and no more are read from `jobspecs` than are. Over breaks of the connection it goes on, and makes
        no job twice; an error is raised where no server has answered for the timeout, or knows who asks. What reading
        `jobspecs` raises comes behind the answers to those that were read.
        """
        sending = Sending(jobspecs, window, options)
        patience: Optional[Patience] = None
        until = 0.0
        others = len(self._channels) - 1
        while True:
            feed = AsyncFeed(sending.unanswered())
            method: Any = self._channels[self._at].stream_stream(
                METHOD, request_serializer=serialize, response_deserializer=Response.FromString
            )
            stream: Any = method(feed, metadata=self._metadata())
            failed: Optional[grpc.RpcError] = None
            try:
                async for answer in self._fill(sending, feed):
                    yield answer
                async for message in stream:
                    self._reached = True
                    patience = None
                    others = len(self._channels) - 1
                    taken = sending.take(understood(message, METHOD))
                    yield await self._again(taken) if isinstance(taken, jobs.Prepared) else taken
                    for answer in sending.due():
                        yield answer
                    async for answer in self._fill(sending, feed):
                        yield answer
                if sending.ended():
                    return
            except grpc.RpcError as error:
                failed = error
            finally:
                feed.close()
                stream.cancel()
            now = time.monotonic()
            if patience is None:
                until = now + self.timeout
                patience = Patience(now, until)
            if failed is None:
                # The server ended it, as one does that stops and comes back.
                if now >= until:
                    raise UnavailableError(f"the server at {self.host} ends the stream without an answer: try again later")
                await asyncio.sleep(patience.seconds())
                continue
            self._answered(failed)
            if self._moves_on(failed, True) and others > 0:
                others -= 1
                continue
            others = len(self._channels) - 1
            pause = patience.pause(failed, now, self._reached)
            if pause is None:
                raise self._failed(failed, METHOD, self.timeout, "key=" if self._is_operator else "") from failed
            await asyncio.sleep(pause)

    async def _again(self, job: jobs.Prepared) -> SubmitAnswer:
        """With its files: others needed their room before it came."""
        try:
            await self._run(job.bring())
            return await self._run(jobs.sent(job))
        except RainbowError as error:
            return error

    async def _fill(self, sending: Sending, feed: AsyncFeed) -> AsyncIterator[SubmitAnswer]:
        """Sends what there is room for; what cannot even be sent is answered when its turn has come."""
        for job in sending.room():
            try:
                prepared = await self._run(jobs.prepared(self.cfg, self._is_operator, job.jobspec, job.name, job.options))
                sending.sent(prepared)
                feed.put(prepared.request)
            except Exception as error:
                sending.refused(error)
            for answer in sending.due():
                yield answer
        if sending.over:
            feed.close()
