"""Bids, how they compare with what happened, and decisions run again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import List, Optional


@dataclass(frozen=True)
class CostPart:
    what: str
    amount: float


@dataclass(frozen=True)
class Cost:
    amount: float
    # ISO 4217, or a word of the site's own.
    currency: str
    parts: List[CostPart]


@dataclass(frozen=True)
class Offer:
    """Half of such jobs will have started by `start_p50`, nine in ten by `start_p90`."""

    start_p50: Optional[datetime]
    start_p90: Optional[datetime]
    end: Optional[datetime]
    cost: Optional[Cost]


@dataclass(frozen=True)
class Refusal:
    code: str
    message: str


@dataclass(frozen=True)
class Bid:
    """`kind` is yes, no, silent or invalid. `offer` is what the cluster said, `corrected` what the policy saw."""

    kind: str
    id: str
    offer: Optional[Offer]
    corrected: Optional[Offer]
    correction: str
    expires_at: Optional[datetime]
    by_proxy: bool
    reason: Optional[Refusal]


@dataclass(frozen=True)
class BidCounts:
    """Since the cluster was registered."""

    asked: int
    yes: int
    no: int
    silent: int
    late: int
    invalid: int
    stray: int
    refused: int


@dataclass(frozen=True)
class Calibration:
    """Bids against what happened, of one class of shapes (empty: all).

    bias: seconds, median of actual start - P50. coverage: share that had started by P50 and by P90; well calibrated
    are 0.5 and 0.9. sharpness: seconds, mean of P90 - P50. cost_ratio: 0 where none is known.
    """

    shape_class: str
    jobs: int
    bias: float
    coverage_p50: float
    coverage_p90: float
    sharpness: float
    cost_ratio: float
    correction: str


@dataclass(frozen=True)
class BidRecord:
    """All shapes together are the first of `calibrations`."""

    cluster: str
    counts: BidCounts
    calibrations: List[Calibration]


@dataclass(frozen=True)
class ReplayCost:
    currency: str
    compared: int
    recorded: float
    replayed: float


@dataclass(frozen=True)
class ReplayChange:
    """From one cluster to another; `to` is empty where none would have been chosen."""

    from_: str
    to: str
    decisions: int
    wait_seconds: float


@dataclass(frozen=True)
class Replay:
    """What another policy would have chosen. Waits are sums, in seconds, over the `compared` decisions."""

    policy: str
    decisions: int
    changed: int
    unplaced: int
    skipped: int
    compared: int
    wait_recorded: float
    wait_replayed: float
    costs: List[ReplayCost]
    changes: List[ReplayChange]
    cut: bool
