# Made from ../blocking by twins.py; never edited.
"""How the client for asyncio asks: one call, or a stream that is asked for again where it breaks."""

from __future__ import annotations

import asyncio
import time
from typing import Any, Callable, AsyncIterator, Optional, TypeVar, Union, cast

import grpc

from rainbow_queue.call import Call, Operation
from rainbow_queue.channel import Tls, open_async_channel
from rainbow_queue.connection import Connection, serialize
from rainbow_queue.errors import DeadlineExceededError
from rainbow_queue.retrying import Patience

T = TypeVar("T")


class Caller(Connection):
    def __init__(
        self,
        host: Optional[str] = None,
        config_file: Optional[str] = None,
        database: Optional[str] = None,
        use_ssl: Union[None, bool, Tls] = None,
        key: Optional[str] = None,
        timeout: float = 60.0,
    ) -> None:
        super().__init__(host, config_file, database, use_ssl, key, timeout)
        self._channel = open_async_channel(self.host, self._tls)

    async def close(self) -> None:
        await self._channel.close()

    async def _run(self, operation: Operation[T]) -> T:
        answer: Any = None
        try:
            while True:
                call = operation.send(answer)
                answer = await self._call(call)
        except StopIteration as end:
            return cast(T, end.value)

    async def _call(self, call: Call) -> Any:
        method = self._channel.unary_unary(
            call.method, request_serializer=serialize, response_deserializer=call.answer.FromString
        )
        metadata = None if call.prototype else self._metadata()
        begun = time.monotonic()
        patience = Patience(begun, begun + self.timeout)
        while True:
            left = max(begun + self.timeout - time.monotonic(), 0.001)
            try:
                answer = await method(call.request, timeout=left, metadata=metadata)
                self._reached = True
                return answer
            except grpc.RpcError as error:
                self._answered(error)
                pause = patience.pause(error, time.monotonic(), self._reached) if call.again else None
                if pause is None:
                    raise self._failed_call(error, call) from error
                await asyncio.sleep(pause)

    async def _follow(
        self, name: str, request: Callable[[], Any], answer: Any, until: Optional[float], follow: bool
    ) -> AsyncIterator[Any]:
        """Messages until the server ends them; while it is followed, over breaks of the connection.

        Raises DeadlineExceededError at `until`.
        """
        method = self._channel.unary_stream(name, request_serializer=serialize, response_deserializer=answer.FromString)
        patience = Patience(time.monotonic(), until)
        while True:
            left = None if until is None else max(until - time.monotonic(), 0.001)
            stream: Any = method(request(), timeout=left, metadata=self._metadata())
            try:
                async for message in stream:
                    self._reached = True
                    patience.came()
                    yield message
                return
            except grpc.RpcError as error:
                self._answered(error)
                pause = patience.pause(error, time.monotonic(), self._reached) if follow else None
                if pause is None:
                    if patience.is_over(error, self._reached):
                        raise DeadlineExceededError("the time is up") from error
                    raise self._failed(error, name, None if follow else self.timeout) from error
                await asyncio.sleep(pause)
            finally:
                stream.cancel()
