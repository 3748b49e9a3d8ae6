# Made from ../blocking by twins.py; never edited.
"""The client for asyncio, whole."""

from __future__ import annotations

from types import TracebackType
from typing import Optional, Type

from rainbow_queue.aio.clusters import Clusters
from rainbow_queue.aio.jobs import Jobs
from rainbow_queue.aio.many import Many
from rainbow_queue.aio.prototype import Prototype


class AsyncRainbowClient(Prototype, Jobs, Many, Clusters):
    """Talks to one Rainbow server; connects with the first call, reconnects by itself. See Connection for arguments."""

    async def __aenter__(self) -> AsyncRainbowClient:
        return self

    async def __aexit__(
        self, kind: Optional[Type[BaseException]], error: Optional[BaseException], trace: Optional[TracebackType]
    ) -> None:
        await self.close()
