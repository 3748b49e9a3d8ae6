"""Every call that is one question and one answer, written once for both clients.

An operation is a generator: it yields what is to be sent and is given the answer, so it neither blocks nor awaits;
the clients drive it over a channel of their kind.
"""

from __future__ import annotations

import json
import os
import secrets
from dataclasses import dataclass
from typing import Any, Dict, Generator, Iterable, List, Optional, Tuple, TypeVar, Union

from rainbow_queue import jobspec as jobspecs
from rainbow_queue import types
from rainbow_queue.config import RainbowConfig
from rainbow_queue.protos import memory_pb2, rainbow_pb2
from rainbow_queue.protos.v1 import clusters_pb2, job_pb2, jobs_pb2

T = TypeVar("T")


@dataclass(frozen=True)
class Call:
    """One request. `again`: sent again while nobody answers, since a second one changes nothing."""

    method: str
    request: Any
    answer: Any
    again: bool = False
    # Errors of the prototype's calls stay grpc.RpcError, as its users catch them.
    prototype: bool = False


Operation = Generator[Call, Any, T]

SCHEDULER = "/convergedcomputing.org.grpc.v1.RainbowScheduler/"
GRAPH = "/service.MemoryGraph/"
JOBS = "/rainbow.v1.JobService/"
CLUSTERS = "/rainbow.v1.ClusterService/"


# ── the prototype's ───────────────────────────────────────────────────────────────────────────────────────────


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
    able = yield Call(GRAPH + "Satisfy", asked, memory_pb2.SatisfyResponse, prototype=True)
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


# ── Rainbow's own ─────────────────────────────────────────────────────────────────────────────────────────────


def submit(
    cfg: RainbowConfig,
    jobspec: jobspecs.JobspecLike,
    name: Optional[str],
    clusters: Optional[Iterable[str]],
    policy: Optional[str],
    policy_options: Optional[Dict[str, str]],
    priority: int,
    idempotency_key: Optional[str],
    on_cluster_loss: Optional[str],
) -> Operation[types.Submitted]:
    request = jobs_pb2.SubmitRequest(
        jobspec=jobspecs.jobspec_text(jobspec),
        name=name or jobspecs.jobspec_name(jobspec),
        credentials=_credentials(cfg),
        clusters=list(clusters or ()),
        policy=policy or "",
        policy_options=policy_options or {},
        priority=priority,
        # One of our own: a lost answer is asked for again, and no second job comes of it.
        idempotency_key=idempotency_key or secrets.token_urlsafe(24),
        on_cluster_loss=_on_cluster_loss(on_cluster_loss),
    )
    response = yield Call(JOBS + "Submit", request, jobs_pb2.SubmitResponse, again=True)
    job, decision = types.job_of(response.job), types.decision_of(response.decision)
    return types.Submitted(job=job, created=response.created, decision=decision)


def match(
    cfg: RainbowConfig, jobspec: jobspecs.JobspecLike, clusters: Optional[Iterable[str]]
) -> Operation[Tuple[List[types.Candidate], List[types.Opening]]]:
    request = jobs_pb2.MatchRequest(
        jobspec=jobspecs.jobspec_text(jobspec), credentials=_credentials(cfg), clusters=list(clusters or ())
    )
    response = yield Call(JOBS + "Match", request, jobs_pb2.MatchResponse, again=True)
    return (
        [types.candidate_of(candidate) for candidate in response.candidates],
        [types.opening_of(opening) for opening in response.openings],
    )


def job(job_id: int) -> Operation[types.Job]:
    response = yield Call(JOBS + "Get", jobs_pb2.GetJobRequest(id=job_id), job_pb2.Job, again=True)
    return types.job_of(response)


def page_of_jobs(
    page_token: str,
    states: Iterable[str],
    cluster: Optional[str],
    name: Optional[str],
    oldest_first: bool,
    everybody: bool,
) -> Operation[Tuple[List[types.Job], str]]:
    request = jobs_pb2.ListJobsRequest(
        states=[types.state_value(state) for state in states],
        cluster=cluster or "",
        name=name or "",
        page_token=page_token,
        oldest_first=oldest_first,
        all=everybody,
    )
    response = yield Call(JOBS + "List", request, jobs_pb2.ListJobsResponse, again=True)
    return [types.job_of(each) for each in response.jobs], response.next_page_token


def cancel(job_id: int, message: str) -> Operation[types.Job]:
    request = jobs_pb2.CancelJobRequest(id=job_id, message=message)
    response = yield Call(JOBS + "Cancel", request, job_pb2.Job, again=True)
    return types.job_of(response)


def explain(job_id: int) -> Operation[types.Explanation]:
    response = yield Call(JOBS + "Explain", jobs_pb2.GetJobRequest(id=job_id), jobs_pb2.ExplainResponse, again=True)
    return types.explanation_of(response)


def clusters() -> Operation[List[types.Cluster]]:
    request = clusters_pb2.ListClustersRequest()
    response = yield Call(CLUSTERS + "List", request, clusters_pb2.ListClustersResponse, again=True)
    return [types.cluster_of(cluster) for cluster in response.clusters]


def cluster(name: str) -> Operation[types.Cluster]:
    request = clusters_pb2.GetClusterRequest(name=name)
    response = yield Call(CLUSTERS + "Get", request, clusters_pb2.Cluster, again=True)
    return types.cluster_of(response)


def _scheduler(method: str, request: Any, answer: Any) -> Call:
    return Call(SCHEDULER + method, request, answer, prototype=True)


def _credentials(cfg: RainbowConfig) -> List[Any]:
    entries = [*cfg.get_clusters(), *cfg.get_groups()]
    return [jobs_pb2.Credential(name=entry["name"], token=entry["token"]) for entry in entries]


def _on_cluster_loss(word: Optional[str]) -> Any:
    if word is None:
        return job_pb2.ON_CLUSTER_LOSS_UNSPECIFIED
    try:
        return job_pb2.OnClusterLoss.Value("ON_CLUSTER_LOSS_" + word.upper())
    except ValueError:
        raise ValueError(f"on_cluster_loss is wait, requeue, fail or duplicate, not {word!r}") from None


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
