"""The blocking client, whole."""

from __future__ import annotations

from types import TracebackType
from typing import Optional, Type

from rainbow_queue.blocking.clusters import Clusters
from rainbow_queue.blocking.jobs import Jobs
from rainbow_queue.blocking.many import Many
from rainbow_queue.blocking.prototype import Prototype


class RainbowClient(Prototype, Jobs, Many, Clusters):
    """Talks to one Rainbow server; connects with the first call, reconnects by itself. See Connection for arguments."""

    def __enter__(self) -> RainbowClient:
        return self

    def __exit__(
        self, kind: Optional[Type[BaseException]], error: Optional[BaseException], trace: Optional[TracebackType]
    ) -> None:
        self.close()
