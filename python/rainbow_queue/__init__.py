"""One queue for every cluster you can reach: submit and manage jobs from Python.

`RainbowClient` blocks, `AsyncRainbowClient` is for asyncio; both have the same methods. They are safe to share
between threads (the first) and tasks (the second).
"""

from rainbow_queue.aio import AsyncRainbowClient
from rainbow_queue.channel import Tls
from rainbow_queue.client import RainbowClient
from rainbow_queue.errors import RainbowError
from rainbow_queue.types import (
    Attempt,
    Candidate,
    Cluster,
    Decision,
    Event,
    Explanation,
    Job,
    MatchReason,
    Opening,
    Output,
    Reason,
    ResourceCount,
    SatisfyResponse,
    Submitted,
)

__version__ = "0.1.0"
__all__ = [
    "AsyncRainbowClient",
    "Attempt",
    "Candidate",
    "Cluster",
    "Decision",
    "Event",
    "Explanation",
    "Job",
    "MatchReason",
    "Opening",
    "Output",
    "RainbowClient",
    "RainbowError",
    "Reason",
    "ResourceCount",
    "SatisfyResponse",
    "Submitted",
    "Tls",
]
