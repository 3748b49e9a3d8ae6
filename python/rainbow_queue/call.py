"""What an operation is: a generator that yields calls and is given their answers.

So each is written once, and neither blocks nor awaits; the clients drive it over a channel of their kind.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Generator, TypeVar

T = TypeVar("T")


@dataclass(frozen=True)
class Call:
    """One request. `again`: sent again while nobody answers, since a second one changes nothing."""

    method: str
    request: Any
    answer: Any
    again: bool = True
    # `request` gives the messages of a stream, anew each time it is called; it takes as long as it takes.
    streamed: bool = False
    # Errors of the prototype's calls stay grpc.RpcError, as its users catch them; they say nobody's name.
    prototype: bool = False
    # Secrets and tokens in the request, and where they are from: for a call that is denied.
    carried: str = ""


Operation = Generator[Call, Any, T]

SCHEDULER = "/convergedcomputing.org.grpc.v1.RainbowScheduler/"
GRAPH = "/service.MemoryGraph/"
JOBS = "/rainbow.v1.JobService/"
CLUSTERS = "/rainbow.v1.ClusterService/"
GROUPS = "/rainbow.v1.GroupService/"
FILES = "/rainbow.v1.FileService/"
BIDS = "/rainbow.v1.BidService/"
SERVER = "/rainbow.v1.ServerService/"
