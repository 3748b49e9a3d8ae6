"""The prototype's calls: its names, arguments and answers."""

from __future__ import annotations

import json
import os
from typing import Any, Dict, Iterable, List, Optional, Tuple, Union

from rainbow_queue import jobspec as jobspecs
from rainbow_queue import types
from rainbow_queue.call import GRAPH, SCHEDULER, Call, Operation
from rainbow_queue.config import RainbowConfig
from rainbow_queue.protos import memory_pb2, rainbow_pb2


def register(cluster: str, secret: str, cluster_nodes: str) -> Operation[Any]:
    _required("A cluster name", cluster)
    _required("A secret", secret)
    request = rainbow_pb2.RegisterRequest(name=cluster, secret=secret, nodes=_file(cluster_nodes, "Cluster nodes"))
    return (yield _scheduler("Register", request, rainbow_pb2.RegisterResponse))


def register_subsystem(cluster: str, subsystem: str, secret: str, nodes: str) -> Operation[Any]:
    _required("A cluster name", cluster)
    _required("A secret", secret)
    text = _file(nodes, "Subsystem nodes")
    request = rainbow_pb2.RegisterRequest(name=cluster, secret=secret, nodes=text, subsystem=subsystem)
    return (yield _scheduler("RegisterSubsystem", request, rainbow_pb2.RegisterResponse))


def update_state(cluster: str, state_data: Union[str, Dict[str, Any]], secret: str) -> Operation[Any]:
    _required("A cluster name", cluster)
    _required("A secret", secret)
    payload = json.dumps(state_data) if isinstance(state_data, dict) else _file(state_data, "State metadata")
    request = rainbow_pb2.UpdateStateRequest(cluster=cluster, secret=secret, payload=payload)
    return (yield _scheduler("UpdateState", request, rainbow_pb2.UpdateStateResponse))


def submit_jobspec(
    cfg: RainbowConfig,
    jobspec: jobspecs.JobspecLike,
    name: Optional[str],
    match_algo: Optional[str],
    select_algo: Optional[str],
    select_options: Optional[Dict[str, str]],
    satisfy_only: bool,
) -> Operation[Any]:
    payload = jobspecs.jobspec_json(jobspec)
    asked = memory_pb2.SatisfyRequest(payload=payload, matcher=match_algo or cfg.match_algorithm)
    able = yield Call(GRAPH + "Satisfy", asked, memory_pb2.SatisfyResponse, again=False, prototype=True)
    if not able.clusters:
        print("No clusters match the request")
        return able
    clusters = [
        rainbow_pb2.SubmitJobRequest.Cluster(name=entry["name"], token=entry["token"])
        for entry in cfg.get_clusters(able.clusters)
    ]
    request = rainbow_pb2.SubmitJobRequest(
        name=name or jobspecs.jobspec_name(jobspec),
        satisfy_only=satisfy_only,
        clusters=clusters,
        select_algorithm=select_algo or cfg.selection_algorithm,
        select_options=select_options or cfg.selection_algorithm_options,
        jobspec=jobspecs.jobspec_text(jobspec),
    )
    response = yield _scheduler("SubmitJob", request, rainbow_pb2.SubmitJobResponse)
    return types.SatisfyResponse(
        cluster=response.cluster,
        total_matches=able.total_matches,
        total_mismatches=able.total_mismatches,
        total_clusters=able.total_clusters,
        status=response.status,
        clusters=list(response.clusters),
    )


def receive_jobs(cfg: RainbowConfig, max_jobs: Optional[int], accept: bool) -> Operation[List[Dict[str, Any]]]:
    name, secret = _own_cluster(cfg)
    request = rainbow_pb2.ReceiveJobsRequest(cluster=name, secret=secret, maxJobs=max_jobs or 0)
    response = yield _scheduler("ReceiveJobs", request, rainbow_pb2.ReceiveJobsResponse)
    if response.status == rainbow_pb2.ReceiveJobsResponse.REQUEST_JOBS_NORESULTS:
        print("There are no jobs to receive.")
        return []
    if response.status != rainbow_pb2.ReceiveJobsResponse.REQUEST_JOBS_SUCCESS:
        print("Issue with requesting jobs:")
        return []
    print("Status: REQUEST_JOBS_SUCCESS")
    print(f"Received {len(response.jobs)} jobs to accept...")
    ids = sorted(response.jobs)
    jobs = [json.loads(response.jobs[jobid]) for jobid in ids]
    if accept:
        yield from accept_jobs(cfg, ids)
    return jobs


def accept_jobs(cfg: RainbowConfig, jobids: Iterable[int]) -> Operation[Any]:
    name, secret = _own_cluster(cfg)
    request = rainbow_pb2.AcceptJobsRequest(cluster=name, secret=secret, jobids=list(jobids))
    return (yield _scheduler("AcceptJobs", request, rainbow_pb2.AcceptJobsResponse))


def _scheduler(method: str, request: Any, answer: Any) -> Call:
    return Call(SCHEDULER + method, request, answer, again=False, prototype=True)


def _own_cluster(cfg: RainbowConfig) -> Tuple[str, str]:
    own = cfg.get("cluster") or {}
    if not own.get("name") or not own.get("secret"):
        raise ValueError("'cluster' defined in the rainbow config needs a name and secret")
    return own["name"], own["secret"]


def _required(what: str, value: str) -> None:
    if not value:
        raise ValueError(f"{what} is required")


def _file(path: str, what: str) -> str:
    if not os.path.exists(path):
        raise ValueError(f"{what} file {path} does not exist.")
    with open(path, encoding="utf-8") as file:
        return file.read()
