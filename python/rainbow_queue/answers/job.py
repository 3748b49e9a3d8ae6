"""Jobs, arrays and what happens to them. The words are those of docs/life-of-a-job.md."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Dict, List, Optional

ENDED = frozenset({"completed", "failed", "canceled", "rejected"})
STATES = ENDED | {"pending", "assigned", "received", "accepted", "running", "unknown"}


@dataclass(frozen=True)
class Reason:
    """Why it is so: a word of docs/life-of-a-job.md, and words for people."""

    code: str
    message: str


@dataclass(frozen=True)
class Attempt:
    """One try at one cluster."""

    epoch: int
    cluster: str
    native_id: str
    state: str
    reason: Reason
    assigned_at: Optional[datetime]
    received_at: Optional[datetime]
    accepted_at: Optional[datetime]
    started_at: Optional[datetime]
    ended_at: Optional[datetime]
    exit_code: Optional[int]
    signal: Optional[int]


@dataclass(frozen=True)
class Dependency:
    """What a job waits for.

    kind: afterok, afterany, afternotok, after (a start) or singleton (those of its own name).
    on: a job or an array of one's own; of singleton 0.
    minutes: of after, how long after the start.
    """

    kind: str
    on: int = 0
    minutes: int = 0


@dataclass(frozen=True)
class RetryPolicy:
    """After which failures a job is tried again, how often, where, and when.

    on: exit, exit:N, signal, signal:N, time_limit, out_of_memory, node_failure, preempted, cannot_start, cluster_lost,
        refused, native, not_reported; none: exit, signal, out_of_memory, node_failure, preempted and cluster_lost.
    where: anywhere, here or elsewhere; empty: anywhere.
    delay: seconds before the first retry, doubling with each; None: 10.
    """

    limit: int
    on: List[str] = field(default_factory=list)
    where: str = ""
    delay: Optional[float] = None


@dataclass(frozen=True)
class StateCount:
    state: str
    tasks: int


@dataclass(frozen=True)
class ArraySummary:
    """The tasks of an array. `most_at_once` 0: all."""

    indices: str
    tasks: int
    most_at_once: int
    least_index: int
    most_index: int
    counts: List[StateCount]


@dataclass(frozen=True)
class ImageSet:
    weight: int
    tag: str
    description: str


@dataclass(frozen=True)
class ImageNeeds:
    """What the job's image needs of the machine, as it was found at submit; `source` is artifact, given or none."""

    image: str
    source: str
    digest: str
    artifact: str
    media_type: str
    format: str
    sets: List[ImageSet]
    note: str


@dataclass(frozen=True)
class Job:
    """`state` is pending, assigned, received, accepted, running, unknown, completed, failed, canceled or rejected.

    Of an array (`array` is not None) states and times are those of all its tasks together. jobspec, attempts,
    dependencies and image_needs are there only where this one job was asked for.
    """

    id: int
    name: str
    owner: str
    state: str
    reason: Reason
    # Number of the current attempt, from 1.
    epoch: int
    # Empty while it is assigned to none.
    cluster: str
    native_id: str
    exit_code: Optional[int]
    signal: Optional[int]
    submitted_at: Optional[datetime]
    assigned_at: Optional[datetime]
    received_at: Optional[datetime]
    accepted_at: Optional[datetime]
    started_at: Optional[datetime]
    ended_at: Optional[datetime]
    cancel_requested_at: Optional[datetime]
    priority: int
    # Seconds that it may run.
    walltime: float
    on_cluster_loss: str
    candidates: List[str]
    jobspec: str
    attempts: List[Attempt]
    # Of a task of an array; else 0 and None.
    array_id: int
    array_index: Optional[int]
    array: Optional[ArraySummary]
    dependencies: List[Dependency]
    begin_at: Optional[datetime]
    start_before: Optional[datetime]
    deadline: Optional[datetime]
    held: bool
    wait_for_cluster: bool
    # queue, wait, or empty: as the server is set.
    when_busy: str
    retry: Optional[RetryPolicy]
    # Seconds, and bytes; 0: the server's.
    return_after: float
    output_cap: int
    # The earlier attempt that ended it while a second one ran; else 0.
    ended_by: int
    left_until: Optional[datetime]
    ask: Optional[bool]
    rebid: Optional[bool]
    image_needs: Optional[ImageNeeds]

    @property
    def ended(self) -> bool:
        return self.state in ENDED

    @property
    def succeeded(self) -> bool:
        return self.state == "completed"

    @property
    def attempt(self) -> int:
        """Epoch of the attempt that counts: the newest, unless an earlier one ended it."""
        return self.ended_by or self.epoch


@dataclass(frozen=True)
class Fetched:
    """What a job left behind, and is now in a folder: paths in it.

    attempt: whose files they are. written: those of `files` that were not there yet, with the same contents. notes: what
        could not be brought back from the cluster, and why.
    """

    attempt: int
    files: List[str]
    written: List[str]
    notes: List[str]


@dataclass(frozen=True)
class Event:
    """One thing that happened; who resumes after `seq` misses nothing.

    subject: job, cluster or group. kind: for a job the state that it came to, `cancel_requested`, or `reason`.
    job_id is 0 where it is about none.
    """

    seq: int
    at: Optional[datetime]
    subject: str
    job_id: int
    cluster: str
    kind: str
    epoch: int
    reason: Optional[Reason]
    detail: Dict[str, Any]


@dataclass(frozen=True)
class Output:
    """A piece of what a task of a job wrote. `stream` is stdout or stderr; `offset` counts bytes from its beginning.

    `not_kept` is 0, or so many bytes from `offset` on are missing, by the job's cap; `data` is then empty.
    """

    job_id: int
    task: int
    stream: str
    offset: int
    data: bytes
    not_kept: int
    at: Optional[datetime]

    @property
    def text(self) -> str:
        return self.data.decode("utf-8", "replace")
