# Made from ../blocking by twins.py; never edited.
"""How the client for asyncio asks: one call, or a stream that is asked for again where it breaks."""

from __future__ import annotations

import asyncio
import time
from typing import Any, Callable, Iterable, AsyncIterator, Optional, TypeVar, Union, cast

import grpc

from rainbow_queue.call import Call, Operation
from rainbow_queue.channel import Tls, open_async_channel
from rainbow_queue.connection import Connection, serialize, understood
from rainbow_queue.errors import DeadlineExceededError, RainbowError
from rainbow_queue.options import Span
from rainbow_queue.retrying import Patience

T = TypeVar("T")


class Caller(Connection):
    def __init__(
        self,
        host: Union[None, str, Iterable[str]] = None,
        config_file: Optional[str] = None,
        database: Optional[str] = None,
        use_ssl: Union[None, bool, Tls] = None,
        key: Optional[str] = None,
        timeout: Span = 60.0,
    ) -> None:
        super().__init__(host, config_file, database, use_ssl, key, timeout)
        several = len(self._hosts) > 1
        self._channels = [open_async_channel(each, self._tls, several) for each in self._hosts]

    async def close(self) -> None:
        """Ends what is under way; may be said again."""
        self._closed = True
        for channel in self._channels:
            await channel.close()

    async def _run(self, operation: Operation[T]) -> T:
        try:
            call = next(operation)
            while True:
                try:
                    answer = await self._call(call)
                except RainbowError as error:
                    call = operation.throw(error)
                else:
                    call = operation.send(answer)
        except StopIteration as end:
            return cast(T, end.value)

    async def _call(self, call: Call) -> Any:
        metadata = None if call.prototype else self._metadata()
        begun = time.monotonic()
        patience = Patience(begun, begun + self.timeout)
        others = len(self._channels) - 1
        while True:
            channel = self._channels[self._at]
            method: Any = (channel.stream_unary if call.streamed else channel.unary_unary)(
                call.method, request_serializer=serialize, response_deserializer=call.answer.FromString
            )
            left = None if call.streamed else max(begun + self.timeout - time.monotonic(), 0.001)
            request = call.request() if call.streamed else call.request
            try:
                answer = await method(request, timeout=left, metadata=metadata)
                self._reached = True
                return understood(answer, call.method)
            except grpc.RpcError as error:
                self._answered(error)
                if self._moves_on(error, call.again) and others > 0 and time.monotonic() < begun + self.timeout:
                    others -= 1
                    continue
                others = len(self._channels) - 1
                pause = patience.pause(error, time.monotonic(), self._reached) if call.again else None
                if pause is None:
                    raise self._failed_call(error, call) from error
                await asyncio.sleep(pause)

    async def _follow(
        self, name: str, request: Callable[[], Any], answer: Any, until: Optional[float], follow: bool
    ) -> AsyncIterator[Any]:
        """Messages until the server ends them, over breaks of the connection: each time `request` says where it goes on.

        A stream that is followed waits for the server as long as it takes, the others until nothing came for the timeout.
        Raises DeadlineExceededError at `until`.
        """
        patience = Patience(time.monotonic(), until, None if follow else self.timeout)
        others = len(self._channels) - 1
        while True:
            method = self._channels[self._at].unary_stream(
                name, request_serializer=serialize, response_deserializer=answer.FromString
            )
            left = None if until is None else max(until - time.monotonic(), 0.001)
            stream: Any = method(request(), timeout=left, metadata=self._metadata())
            try:
                async for message in stream:
                    self._reached = True
                    patience.came(time.monotonic())
                    others = len(self._channels) - 1
                    yield understood(message, name)
                return
            except grpc.RpcError as error:
                self._answered(error)
                if self._moves_on(error, True) and others > 0 and (until is None or time.monotonic() < until):
                    others -= 1
                    continue
                others = len(self._channels) - 1
                pause = patience.pause(error, time.monotonic(), self._reached)
                if pause is None:
                    if follow and patience.is_over(error, self._reached):
                        raise DeadlineExceededError("the time is up") from error
                    # What is only read changes nothing: it may always be asked for again.
                    raise self._failed(error, name, None) from error
                await asyncio.sleep(pause)
            finally:
                stream.cancel()
