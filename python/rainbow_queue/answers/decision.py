"""Decisions: who was asked, who could not and why, what was offered, and which cluster was chosen."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Dict, List, Optional

from rainbow_queue.answers.bid import Bid
from rainbow_queue.answers.job import Job, Reason


@dataclass(frozen=True)
class Relaxation:
    """A change of the request: what at which vertex, from which value to which; `message` says it in words."""

    vertex: str
    field: str
    from_: str
    to: str
    message: str


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
    relaxation: Optional[Relaxation]


@dataclass(frozen=True)
class Candidate:
    """`satisfiable` and `startable` are yes, no or unknown: on the empty cluster, and on what is free now.

    placement: which vertices, as an R document (RFC 20), where it was asked for. bid: None where it was not asked.
    """

    cluster: str
    satisfiable: str
    startable: str
    reasons: List[MatchReason]
    state: Dict[str, Any]
    placement: Dict[str, Any]
    bid: Optional[Bid]
    graph_version: int


@dataclass(frozen=True)
class Opening:
    """A change of the request that opens some of the clusters that cannot hold it."""

    relaxation: Relaxation
    clusters: List[str]


@dataclass(frozen=True)
class ShadowChoice:
    """What a second policy would have chosen; empty: none."""

    policy: str
    chosen: str


@dataclass(frozen=True)
class Decision:
    """One placement. `chosen` is empty where none was; `order` is the policy's, and `notes` say what its steps did."""

    job_id: int
    epoch: int
    at: Optional[datetime]
    policy: str
    policy_options: Dict[str, str]
    seed: str
    candidates: List[Candidate]
    chosen: str
    reason: Reason
    micros: float
    order: List[str]
    notes: List[str]
    asked: bool
    waited_ms: float
    shadow: Optional[ShadowChoice]


@dataclass(frozen=True)
class Submitted:
    """`created` is False where the idempotency key had been used: `job` is that earlier job, and `decision` None.

    openings: where no cluster can hold it, what one change would open.
    """

    job: Job
    created: bool
    decision: Optional[Decision]
    openings: List[Opening]


@dataclass(frozen=True)
class Explanation:
    """All decisions on a job, oldest first; `openings` of the newest, where it could not place it."""

    job: Job
    decisions: List[Decision]
    openings: List[Opening]


@dataclass(frozen=True)
class Matched:
    """Which clusters could hold a jobspec, and what would open the others: the change that opens the most first."""

    candidates: List[Candidate]
    openings: List[Opening]

    @property
    def clusters(self) -> List[str]:
        """Those that could."""
        return [each.cluster for each in self.candidates if each.satisfiable == "yes"]
