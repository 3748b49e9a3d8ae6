"""Clusters, groups and the server."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Dict, List, Optional


@dataclass(frozen=True)
class ResourceCount:
    """Sums over the graph: vertices of one type, or units of a pool."""

    type: str
    total: float
    free: float
    unit: str


@dataclass(frozen=True)
class MaintenanceWindow:
    from_: Optional[datetime]
    until: Optional[datetime]
    reason: str


@dataclass(frozen=True)
class Cluster:
    """`jobs` are counts by state; `connected` says whether its agent's stream is open now."""

    name: str
    registered_at: Optional[datetime]
    graph_version: int
    resources: List[ResourceCount]
    subsystems: List[str]
    state: Dict[str, Any]
    connected: bool
    last_seen_at: Optional[datetime]
    runner: str
    jobs: Dict[str, int]
    drained_at: Optional[datetime]
    drain_reason: str
    maintenance: List[MaintenanceWindow]


@dataclass(frozen=True)
class Group:
    name: str
    clusters: List[str]
    created_at: Optional[datetime]


@dataclass(frozen=True)
class NewGroup:
    """The token is shown once, never again."""

    group: Group
    token: str


@dataclass(frozen=True)
class ServerInfo:
    version: str
    name: str
    store: str
    agent_protocols: List[int]
    default_policy: str
    client_may_choose_policy: bool
