"""The requests of a stream, handed over one by one while it is open; for each client in its own way."""

from __future__ import annotations

import asyncio
import queue
from typing import Any, Iterable, Optional


class Feed:
    """gRPC reads it in a thread of its own, which ends with `close`."""

    def __init__(self, first: Iterable[Any]) -> None:
        self._requests: queue.SimpleQueue[Any] = queue.SimpleQueue()
        for each in first:
            self.put(each)

    def put(self, request: Any) -> None:
        self._requests.put(request)

    def close(self) -> None:
        """No more come. May be said again."""
        self._requests.put(None)

    def __iter__(self) -> Feed:
        return self

    def __next__(self) -> Any:
        request = self._requests.get()
        if request is None:
            raise StopIteration
        return request


class AsyncFeed:
    def __init__(self, first: Iterable[Any]) -> None:
        self._requests: asyncio.Queue[Optional[Any]] = asyncio.Queue()
        for each in first:
            self.put(each)

    def put(self, request: Any) -> None:
        self._requests.put_nowait(request)

    def close(self) -> None:
        self._requests.put_nowait(None)

    def __aiter__(self) -> AsyncFeed:
        return self

    async def __anext__(self) -> Any:
        request = await self._requests.get()
        if request is None:
            raise StopAsyncIteration
        return request
