"""What the calls answer with: plain values. Times are datetimes in UTC, durations seconds, ids integers."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any, Dict, List, Optional

from google.protobuf import json_format

from rainbow_queue.protos.v1 import job_pb2, jobs_pb2

ENDED = frozenset({"completed", "failed", "canceled", "rejected"})


@dataclass
class SatisfyResponse:
    """What the prototype's submit calls answer with."""

    clusters: List[str]
    cluster: str
    total_matches: int
    total_mismatches: int
    total_clusters: int
    status: int


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
    started_at: Optional[datetime]
    ended_at: Optional[datetime]
    exit_code: Optional[int]
    signal: Optional[int]


@dataclass(frozen=True)
class Job:
    """`state` is pending, assigned, received, accepted, running, unknown, completed, failed, canceled or rejected."""

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
    walltime: float
    candidates: List[str]
    # Only where one job was asked for.
    jobspec: str = ""
    attempts: List[Attempt] = field(default_factory=list)

    @property
    def ended(self) -> bool:
        return self.state in ENDED

    @property
    def succeeded(self) -> bool:
        return self.state == "completed"


@dataclass(frozen=True)
class Event:
    """One thing that happened; who resumes after `seq` misses nothing."""

    seq: int
    at: Optional[datetime]
    # job, cluster or group
    subject: str
    job_id: Optional[int]
    cluster: str
    # For a job the state that it came to.
    kind: str
    epoch: int
    reason: Optional[Reason]
    detail: Dict[str, Any]


@dataclass(frozen=True)
class Output:
    """A piece of what a task wrote. `stream` is stdout or stderr; `offset` counts bytes from its beginning."""

    task: int
    stream: str
    offset: int
    data: bytes

    @property
    def text(self) -> str:
        return self.data.decode("utf-8", "replace")


@dataclass(frozen=True)
class MatchReason:
    """Why a request does not fit a cluster's graph, and the smallest single change with which it would."""

    stage: str
    vertex: str
    type: str
    message: str
    needed: float
    best: float
    unit: str
    relaxation: Optional[str]


@dataclass(frozen=True)
class Candidate:
    """`satisfiable` and `startable` are yes, no or unknown: on the empty cluster, and on what is free now."""

    cluster: str
    satisfiable: str
    startable: str
    reasons: List[MatchReason]
    state: Dict[str, Any]


@dataclass(frozen=True)
class Opening:
    """A change of the request that opens some of the clusters that cannot hold it."""

    message: str
    vertex: str
    clusters: List[str]


@dataclass(frozen=True)
class Decision:
    """One placement: who was asked, who could not and why, and which was chosen (empty: none)."""

    epoch: int
    at: Optional[datetime]
    policy: str
    seed: str
    candidates: List[Candidate]
    chosen: str
    reason: Reason
    order: List[str]
    notes: List[str]


@dataclass(frozen=True)
class Submitted:
    """`created` is False where the idempotency key had been used: `job` is that earlier job."""

    job: Job
    created: bool
    decision: Decision


@dataclass(frozen=True)
class Explanation:
    job: Job
    decisions: List[Decision]
    openings: List[Opening]


@dataclass(frozen=True)
class ResourceCount:
    type: str
    total: float
    free: float
    unit: str


@dataclass(frozen=True)
class Cluster:
    name: str
    connected: bool
    runner: str
    resources: List[ResourceCount]
    subsystems: List[str]
    state: Dict[str, Any]
    # By state: assigned, received, accepted, running, unknown.
    jobs: Dict[str, int]
    registered_at: Optional[datetime]
    last_seen_at: Optional[datetime]


def job_of(message: Any) -> Job:
    times = {name: _time(message, name) for name in _TIMES}
    return Job(
        id=message.id,
        name=message.name,
        owner=message.owner,
        state=state_name(message.state),
        reason=_reason(message.reason),
        epoch=message.epoch,
        cluster=message.cluster,
        native_id=message.native_id,
        exit_code=_optional(message, "exit_code"),
        signal=_optional(message, "signal"),
        priority=message.priority,
        walltime=message.walltime,
        candidates=list(message.candidates),
        jobspec=message.jobspec,
        attempts=[_attempt(attempt) for attempt in message.attempts],
        **times,
    )


_TIMES = (
    "submitted_at",
    "assigned_at",
    "received_at",
    "accepted_at",
    "started_at",
    "ended_at",
    "cancel_requested_at",
)


def event_of(message: Any) -> Event:
    return Event(
        seq=message.seq,
        at=_time(message, "at"),
        subject=message.subject,
        job_id=message.job_id or None,
        cluster=message.cluster,
        kind=message.kind,
        epoch=message.epoch,
        reason=_reason(message.reason) if message.HasField("reason") else None,
        detail=_struct(message, "detail"),
    )


def output_of(message: Any) -> Output:
    stream = "stderr" if message.stream == jobs_pb2.OUTPUT_STREAM_STDERR else "stdout"
    return Output(task=message.task, stream=stream, offset=message.offset, data=message.data)


def candidate_of(message: Any) -> Candidate:
    return Candidate(
        cluster=message.cluster,
        satisfiable=_fits(message.satisfiable),
        startable=_fits(message.startable),
        reasons=[_match_reason(reason) for reason in message.reasons],
        state=_struct(message, "state"),
    )


def decision_of(message: Any) -> Decision:
    return Decision(
        epoch=message.epoch,
        at=_time(message, "at"),
        policy=message.policy,
        seed=message.seed,
        candidates=[candidate_of(candidate) for candidate in message.candidates],
        chosen=message.chosen,
        reason=_reason(message.reason),
        order=list(message.order),
        notes=list(message.notes),
    )


def opening_of(message: Any) -> Opening:
    relaxation = message.relaxation
    return Opening(message=relaxation.message, vertex=relaxation.vertex, clusters=list(message.clusters))


def explanation_of(message: Any) -> Explanation:
    return Explanation(
        job=job_of(message.job),
        decisions=[decision_of(decision) for decision in message.decisions],
        openings=[opening_of(opening) for opening in message.openings],
    )


def cluster_of(message: Any) -> Cluster:
    return Cluster(
        name=message.name,
        connected=message.connected,
        runner=message.runner,
        resources=[ResourceCount(each.type, each.total, each.free, each.unit) for each in message.resources],
        subsystems=list(message.subsystems),
        state=_struct(message, "state"),
        jobs=dict(message.jobs),
        registered_at=_time(message, "registered_at"),
        last_seen_at=_time(message, "last_seen_at"),
    )


def state_name(value: int) -> str:
    """A state that this version does not know is its number."""
    try:
        return job_pb2.JobState.Name(value)[len("JOB_STATE_") :].lower()
    except ValueError:
        return str(value)


def state_value(name: str) -> Any:
    try:
        return job_pb2.JobState.Value("JOB_STATE_" + name.upper())
    except ValueError:
        known = [state_name(value) for value in job_pb2.JobState.values() if value != 0]
        raise ValueError(f"no job state {name!r}: there are {', '.join(known)}") from None


def _attempt(message: Any) -> Attempt:
    return Attempt(
        epoch=message.epoch,
        cluster=message.cluster,
        native_id=message.native_id,
        state=state_name(message.state),
        reason=_reason(message.reason),
        assigned_at=_time(message, "assigned_at"),
        started_at=_time(message, "started_at"),
        ended_at=_time(message, "ended_at"),
        exit_code=_optional(message, "exit_code"),
        signal=_optional(message, "signal"),
    )


def _match_reason(message: Any) -> MatchReason:
    relaxation = message.relaxation.message if message.HasField("relaxation") else None
    return MatchReason(
        stage=message.stage,
        vertex=message.vertex,
        type=message.type,
        message=message.message,
        needed=message.needed,
        best=message.best,
        unit=message.unit,
        relaxation=relaxation,
    )


def _fits(value: int) -> str:
    return job_pb2.Fits.Name(value)[len("FITS_") :].lower()


def _reason(message: Any) -> Reason:
    return Reason(message.code, message.message)


def _optional(message: Any, name: str) -> Any:
    return getattr(message, name) if message.HasField(name) else None


def _time(message: Any, name: str) -> Optional[datetime]:
    return getattr(message, name).ToDatetime(timezone.utc) if message.HasField(name) else None


def _struct(message: Any, name: str) -> Dict[str, Any]:
    return json_format.MessageToDict(getattr(message, name)) if message.HasField(name) else {}
