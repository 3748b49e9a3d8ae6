"""Calls about clusters, groups, bids and the server."""

from __future__ import annotations

from typing import Any, Iterable, List, Mapping, Optional

from rainbow_queue import answers
from rainbow_queue.answers.convert import value_of
from rainbow_queue.call import BIDS, CLUSTERS, GROUPS, SERVER, Call, Operation
from rainbow_queue.config import RainbowConfig
from rainbow_queue.moments import timestamp
from rainbow_queue.options import Moment
from rainbow_queue.protos.v1 import bid_pb2, clusters_pb2, groups_pb2, server_pb2


def clusters() -> Operation[List[answers.Cluster]]:
    request = clusters_pb2.ListClustersRequest()
    response = yield Call(CLUSTERS + "List", request, clusters_pb2.ListClustersResponse)
    return [value_of(answers.Cluster, each) for each in response.clusters]


def cluster(name: str) -> Operation[answers.Cluster]:
    return (yield from _cluster("Get", clusters_pb2.GetClusterRequest(name=name), ""))


def drain(cfg: RainbowConfig, name: str, reason: str, secret: Optional[str]) -> Operation[answers.Cluster]:
    own = cluster_secret(cfg, name, secret)
    request = clusters_pb2.DrainClusterRequest(cluster=name, secret=own, reason=reason)
    return (yield from _cluster("Drain", request, own and f"the secret of cluster {name}"))


def resume(cfg: RainbowConfig, name: str, secret: Optional[str]) -> Operation[answers.Cluster]:
    own = cluster_secret(cfg, name, secret)
    request = clusters_pb2.ResumeClusterRequest(cluster=name, secret=own)
    return (yield from _cluster("Resume", request, own and f"the secret of cluster {name}"))


def plan_maintenance(
    cfg: RainbowConfig, name: str, since: Moment, until: Moment, reason: str, secret: Optional[str]
) -> Operation[answers.Cluster]:
    own = cluster_secret(cfg, name, secret)
    times: Any = {"from": timestamp(since, "since"), "until": timestamp(until, "until")}
    window = clusters_pb2.MaintenanceWindow(reason=reason, **times)
    request = clusters_pb2.PlanMaintenanceRequest(cluster=name, secret=own, window=window)
    return (yield from _cluster("PlanMaintenance", request, own and f"the secret of cluster {name}"))


def cancel_maintenance(
    cfg: RainbowConfig, name: str, since: Optional[Moment], secret: Optional[str]
) -> Operation[answers.Cluster]:
    own = cluster_secret(cfg, name, secret)
    time: Any = {"from": timestamp(since, "since")}
    request = clusters_pb2.CancelMaintenanceRequest(cluster=name, secret=own, **time)
    return (yield from _cluster("CancelMaintenance", request, own and f"the secret of cluster {name}"))


def groups() -> Operation[List[answers.Group]]:
    response = yield Call(GROUPS + "List", groups_pb2.ListGroupsRequest(), groups_pb2.ListGroupsResponse)
    return [value_of(answers.Group, each) for each in response.groups]


def create_group(name: str, members: Iterable[str]) -> Operation[answers.NewGroup]:
    request = groups_pb2.CreateGroupRequest(name=name, clusters=list(members))
    # Its token is shown once: a second try would say that it exists, and the token would be lost.
    response = yield Call(GROUPS + "Create", request, groups_pb2.CreateGroupResponse, again=False)
    return value_of(answers.NewGroup, response)


def update_group(name: str, members: Iterable[str]) -> Operation[answers.Group]:
    request = groups_pb2.UpdateGroupRequest(name=name, clusters=list(members))
    return value_of(answers.Group, (yield Call(GROUPS + "Update", request, groups_pb2.Group)))


def delete_group(name: str) -> Operation[None]:
    request = groups_pb2.DeleteGroupRequest(name=name)
    yield Call(GROUPS + "Delete", request, groups_pb2.DeleteGroupResponse, again=False)


def bid_record(name: str) -> Operation[answers.BidRecord]:
    request = bid_pb2.GetBidRecordRequest(cluster=name)
    return value_of(answers.BidRecord, (yield Call(BIDS + "GetRecord", request, bid_pb2.BidRecord)))


def replay(
    policy: str,
    policy_options: Optional[Mapping[str, str]],
    since: Optional[Moment],
    until: Optional[Moment],
    shadow: bool,
    limit: int,
) -> Operation[answers.Replay]:
    request = bid_pb2.ReplayRequest(
        policy=policy,
        policy_options=dict(policy_options or {}),
        since=timestamp(since, "since"),
        until=timestamp(until, "until"),
        shadow=shadow,
        limit=limit,
    )
    return value_of(answers.Replay, (yield Call(BIDS + "Replay", request, bid_pb2.ReplayResponse)))


def server_info() -> Operation[answers.ServerInfo]:
    request = server_pb2.GetInfoRequest()
    return value_of(answers.ServerInfo, (yield Call(SERVER + "GetInfo", request, server_pb2.ServerInfo)))


def cluster_secret(cfg: RainbowConfig, name: str, given: Optional[str]) -> str:
    """The one given, else the configuration's, if that is of this cluster. An operator needs none."""
    own = cfg.get("cluster") or {}
    return given or (own.get("secret") if own.get("name") == name else "") or ""


def _cluster(method: str, request: Any, carried: str) -> Operation[answers.Cluster]:
    return value_of(answers.Cluster, (yield Call(CLUSTERS + method, request, clusters_pb2.Cluster, carried=carried)))
