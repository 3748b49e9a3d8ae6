"""What a program asks for, as the messages of the wire: checked here as far as it can be without a server."""

from __future__ import annotations

import json
import os
import re
import secrets
from collections.abc import Iterable, Mapping
from typing import Any, Dict, List, Optional, Union

from rainbow_queue import jobspec as jobspecs
from rainbow_queue.answers import Dependency, Job, RetryPolicy
from rainbow_queue.answers.convert import number_of
from rainbow_queue.moments import seconds, timestamp
from rainbow_queue.options import After, ListOptions, MatchOptions, SubmitOptions, check_names
from rainbow_queue.protos.v1 import job_pb2, jobs_pb2

_JOB = job_pb2.DESCRIPTOR.enum_types_by_name
_KINDS = _JOB["DependencyKind"]
_ORDER = jobs_pb2.DESCRIPTOR.enum_types_by_name["JobOrder"]


def submit_request(
    jobspec: jobspecs.JobspecLike,
    name: Optional[str],
    credentials: List[Any],
    options: SubmitOptions,
    staged: Iterable[Any] = (),
) -> Any:
    """Raises ValueError or TypeError at what cannot be meant."""
    queue = options.get("queue")
    when_busy = None if queue is None else "queue" if queue else "wait"
    asked: Any = {"ask": options.get("ask"), "rebid": options.get("rebid")}
    return jobs_pb2.SubmitRequest(
        jobspec=jobspecs.jobspec_lossy(jobspec) if options.get("allow_lossy") else jobspecs.jobspec_text(jobspec),
        name=name or jobspecs.jobspec_name(jobspec),
        credentials=credentials,
        clusters=list(options.get("clusters") or ()),
        compatibility=compatibility_text(options),
        policy=options.get("policy") or "",
        policy_options=dict(options.get("policy_options") or {}),
        priority=options.get("priority") or 0,
        # One of our own: a lost answer is asked for again, and no second job comes of it.
        idempotency_key=options.get("idempotency_key") or secrets.token_urlsafe(24),
        on_cluster_loss=number_of(_JOB["OnClusterLoss"], options.get("on_cluster_loss"), "on_cluster_loss"),
        dependencies=_dependencies(options.get("after")),
        array=_array(options.get("array")),
        begin_at=timestamp(options.get("begin"), "begin"),
        start_before=timestamp(options.get("start_before"), "start_before"),
        deadline=timestamp(options.get("deadline"), "deadline"),
        hold=options.get("hold") or False,
        wait_for_cluster=options.get("wait_for_cluster") or False,
        when_busy=number_of(_JOB["WhenBusy"], when_busy, "queue"),
        retry=_retry(options.get("retry")),
        return_after=_span(options.get("return_after")),
        output_cap=options.get("output_cap"),
        bid_within=_span(options.get("bid_within")),
        stage_in=list(staged),
        stage_out=list(options.get("stage_out") or ()),
        **asked,
    )


def list_request(options: ListOptions) -> Any:
    """Of the first page."""
    check_names(options, ListOptions, "jobs")
    array = options.get("array")
    return jobs_pb2.ListJobsRequest(
        states=[number_of(_JOB["JobState"], state, "job state") for state in options.get("states") or ()],
        cluster=options.get("cluster") or "",
        name=options.get("name") or "",
        oldest_first=options.get("oldest_first") or False,
        all=options.get("everybody") or False,
        owner=options.get("owner") or "",
        array=array.id if isinstance(array, Job) else array or 0,
        array_indices=list(options.get("array_indices") or ()),
        order=number_of(_ORDER, options.get("order"), "order"),
        since=timestamp(options.get("since"), "since"),
        until=timestamp(options.get("until"), "until"),
    )


def compatibility_text(options: Union[MatchOptions, SubmitOptions]) -> str:
    """A mapping as JSON, a path as the file's content, text as it is."""
    given = options.get("compatibility")
    if given is None:
        return ""
    if isinstance(given, Mapping):
        return json.dumps(given)
    text = os.fspath(given)
    return text if "\n" in text or text.lstrip().startswith("{") else jobspecs.read_file(text, "compatibility")


def _dependencies(after: Union[None, After, Iterable[After]]) -> List[Any]:
    if after is None:
        return []
    several = after if isinstance(after, Iterable) and not isinstance(after, str) else [after]
    return [
        job_pb2.Dependency(kind=number_of(_KINDS, each.kind, "kind of dependency"), on=each.on)
        for one in several
        for each in _read_after(one)
    ]


def _read_after(after: After) -> List[Dependency]:
    if isinstance(after, Dependency):
        return [after]
    if isinstance(after, Job):
        return [Dependency("afterok", after.id)]
    found = re.fullmatch(r"(?:([a-z]+):)?([1-9]\d*(?::[1-9]\d*)*)", str(after).strip())
    if found is None:
        raise ValueError(
            f"after: {after!r} is no job’s number, nor text as in afterok:17, afterany:17 or afternotok:17"
        )
    return [Dependency(found.group(1) or "afterok", int(on)) for on in found.group(2).split(":")]


def _array(indices: Union[None, str, Iterable[int]]) -> str:
    if indices is None or isinstance(indices, str):
        return indices or ""
    if isinstance(indices, range) and indices.step > 0 and len(indices) > 0:
        return f"{indices.start}-{indices[-1]}:{indices.step}"
    text = ",".join(str(int(each)) for each in indices)
    if text == "":
        raise ValueError("array: it has no index, so there would be no task")
    return text


def _retry(retry: Union[None, int, RetryPolicy]) -> Any:
    if retry is None:
        return None
    policy = RetryPolicy(limit=retry, on=[]) if isinstance(retry, int) else retry
    fields: Dict[str, Any] = {"limit": policy.limit, "on": list(policy.on), "where": policy.where}
    return job_pb2.RetryPolicy(**fields, delay=policy.delay)


def _span(span: Any) -> Optional[float]:
    return None if span is None else seconds(span)
