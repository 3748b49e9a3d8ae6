"""What the prototype's submit calls answer with; its module, for who imports it from there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import List


@dataclass
class SatisfyResponse:
    clusters: List[str]
    cluster: str
    total_matches: int
    total_mismatches: int
    total_clusters: int
    status: int
