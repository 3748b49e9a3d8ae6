"""What a program asks for, as the messages of the wire: checked here as far as it can be without a server."""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Iterable, Mapping
from typing import Any, Callable, Dict, List, Optional, Union

from rainbow_queue import jobspec as jobspecs
from rainbow_queue.answers import Dependency, Job, RetryPolicy
from rainbow_queue.answers.convert import number_of
from rainbow_queue.errors import InvalidInputError, RainbowError
from rainbow_queue.moments import seconds, timestamp
from rainbow_queue.options import After, ListOptions, MatchOptions, SubmitOptions, check_names
from rainbow_queue.protos.v1 import job_pb2, jobs_pb2

_JOB = job_pb2.DESCRIPTOR.enum_types_by_name
_KINDS = _JOB["DependencyKind"]
_ORDER = jobs_pb2.DESCRIPTOR.enum_types_by_name["JobOrder"]


# The fields of a request that take another name, or no, option; the others are options of the same name.
_OPTIONS = {
    "credentials": "token",
    "dependencies": "after",
    "begin_at": "begin",
    "when_busy": "queue",
    "all": "everybody",
}
_WANTED = {
    "name": "text",
    "clusters": "a list of clusters’ names",
    "token": "text",
    "policy": "the name of a policy, as text",
    "policy_options": "a mapping of names to texts",
    "priority": "a whole number of 32 bits: a higher one goes first",
    "idempotency_key": "text",
    "on_cluster_loss": "one of wait, requeue, fail and duplicate",
    "array": 'indices as in "0-9,20-30:2%5", a range, or a list of whole numbers',
    "retry": 'a number of times, or a RetryPolicy as in RetryPolicy(limit=2, on=["exit:75"])',
    "return_after": "seconds, or a timedelta",
    "bid_within": "seconds, or a timedelta",
    "output_cap": "a whole number of bytes",
    "stage_out": 'a list of patterns, as in ["results/**"]',
    "cluster": "a cluster’s name",
    "owner": "text",
    "array_indices": "a list of whole numbers",
    "compatibility": "a path, text or a mapping",
}
# What Python and the messages raise at a value of another kind.
_MISFITS = (TypeError, ValueError, AttributeError, OverflowError)
_TRUTHS = ("hold", "wait_for_cluster", "ask", "rebid", "queue", "allow_lossy")


def submit_request(
    jobspec: jobspecs.JobspecLike,
    name: Optional[str],
    credentials: List[Any],
    options: SubmitOptions,
    staged: Iterable[Any] = (),
) -> Any:
    """Raises InvalidInputError at what cannot be meant, with the option's name; TypeError at what is no jobspec."""
    given: Dict[str, Any] = dict(options)
    for option in _TRUTHS:
        if isinstance(given.get(option), str):
            raise _wrong(option, given[option])
    queue = given.get("queue")
    when_busy = None if queue is None else "queue" if queue else "wait"

    def read(option: str, reader: Callable[[Any], Any]) -> Any:
        try:
            return reader(given.get(option))
        except RainbowError:
            raise
        except _MISFITS as error:
            raise _wrong(option, given[option]) from error

    fields: Dict[str, Any] = {
        "jobspec": jobspecs.jobspec_lossy(jobspec) if given.get("allow_lossy") else jobspecs.jobspec_text(jobspec),
        "name": name or jobspecs.jobspec_name(jobspec),
        "credentials": credentials,
        "clusters": read("clusters", lambda names: list(names or ())),
        "compatibility": read("compatibility", lambda _: compatibility_text(options)),
        "policy": given.get("policy") or "",
        "policy_options": read("policy_options", lambda some: dict(some or {})),
        "priority": given.get("priority") or 0,
        # One of our own: a lost answer is asked for again, and no second job comes of it.
        "idempotency_key": given.get("idempotency_key") or secrets.token_urlsafe(24),
        "on_cluster_loss": read(
            "on_cluster_loss", lambda word: number_of(_JOB["OnClusterLoss"], word, "on_cluster_loss")
        ),
        "dependencies": read("after", _dependencies),
        "array": read("array", _array),
        "begin_at": timestamp(given.get("begin"), "begin"),
        "start_before": timestamp(given.get("start_before"), "start_before"),
        "deadline": timestamp(given.get("deadline"), "deadline"),
        "hold": given.get("hold") or False,
        "wait_for_cluster": given.get("wait_for_cluster") or False,
        "when_busy": number_of(_JOB["WhenBusy"], when_busy, "queue"),
        "retry": read("retry", _retry),
        "return_after": read("return_after", _span),
        "output_cap": given.get("output_cap"),
        "bid_within": read("bid_within", _span),
        "stage_in": list(staged),
        "stage_out": read("stage_out", lambda patterns: list(patterns or ())),
        "ask": given.get("ask"),
        "rebid": given.get("rebid"),
    }
    return _message(jobs_pb2.SubmitRequest, fields, {**given, "name": name})


def _message(kind: Any, fields: Dict[str, Any], given: Mapping[str, Any]) -> Any:
    """Raises InvalidInputError with the option whose value the message cannot hold."""
    try:
        return kind(**fields)
    except _MISFITS:
        # Which of them it was, is not said.
        for field, value in fields.items():
            option = _OPTIONS.get(field, field)
            try:
                kind(**{field: value})
            except _MISFITS as error:
                if field == "jobspec":
                    raise InvalidInputError(f"the jobspec cannot be sent as text: {error}") from error
                raise _wrong(option, given.get(option)) from error
        raise


def _wrong(option: str, given: Any) -> InvalidInputError:
    # What opens a cluster is shown to nobody.
    shown = "it" if option == "token" else _short(given)
    return InvalidInputError(f"{option}: {shown} is not {_WANTED.get(option, 'True or False')}")


def _short(given: Any) -> str:
    text = repr(given)
    return text if len(text) <= 80 else f"{text[:79]}…"


def list_request(options: ListOptions) -> Any:
    """Of the first page. Raises InvalidInputError at what cannot be meant, with the option's name."""
    check_names(options, ListOptions, "jobs")
    array = options.get("array")
    if not isinstance(array, (int, Job, type(None))):
        raise InvalidInputError(f"array: {_short(array)} is not the number of an array, nor the array as a Job")
    fields: Dict[str, Any] = {
        "states": [number_of(_JOB["JobState"], state, "job state") for state in options.get("states") or ()],
        "cluster": options.get("cluster") or "",
        "name": options.get("name") or "",
        "oldest_first": options.get("oldest_first") or False,
        "all": options.get("everybody") or False,
        "owner": options.get("owner") or "",
        "array": array.id if isinstance(array, Job) else array or 0,
        "array_indices": list(options.get("array_indices") or ()),
        "order": number_of(_ORDER, options.get("order"), "order"),
        "since": timestamp(options.get("since"), "since"),
        "until": timestamp(options.get("until"), "until"),
    }
    return _message(jobs_pb2.ListJobsRequest, fields, options)


def compatibility_text(options: Union[MatchOptions, SubmitOptions]) -> str:
    """A mapping as JSON, a path as the file's content, text as it is."""
    given = options.get("compatibility")
    if given is None:
        return ""
    if isinstance(given, Mapping):
        return jobspecs.json_text(given, "compatibility")
    if not isinstance(given, (str, os.PathLike)):
        raise _wrong("compatibility", given)
    text = os.fspath(given)
    return text if "\n" in text or text.lstrip().startswith("{") else jobspecs.read_file(text, "compatibility")


def _dependencies(after: Union[None, After, Iterable[After]]) -> List[Any]:
    if after is None:
        return []
    several = after if isinstance(after, Iterable) and not isinstance(after, str) else [after]
    return [
        job_pb2.Dependency(kind=number_of(_KINDS, each.kind, "kind of dependency"), on=each.on, minutes=each.minutes)
        for one in several
        for each in _read_after(one)
    ]


def _read_after(after: After) -> List[Dependency]:
    if isinstance(after, Dependency):
        return [after]
    if isinstance(after, Job):
        return [Dependency("afterok", after.id)]
    text = str(after).strip()
    if text == "singleton":
        return [Dependency("singleton")]
    found = re.fullmatch(r"(?:([a-z]+):)?([1-9]\d*(?:\+\d{1,6})?(?::[1-9]\d*(?:\+\d{1,6})?)*)", text)
    if found is None:
        raise InvalidInputError(
            f"after: {after!r} is no job’s number, nor text as in afterok:17, afterany:17, afternotok:17, after:17, "
            "after:17+5 (minutes) or singleton"
        )
    each = [on.partition("+") for on in found.group(2).split(":")]
    return [Dependency(found.group(1) or "afterok", int(on), int(minutes or 0)) for on, _, minutes in each]


def _array(indices: Union[None, str, Iterable[int]]) -> str:
    if indices is None or isinstance(indices, str):
        return indices or ""
    if isinstance(indices, range) and indices.step > 0 and len(indices) > 0:
        return f"{indices.start}-{indices[-1]}:{indices.step}"
    text = ",".join(str(int(each)) for each in indices)
    if text == "":
        raise InvalidInputError("array: it has no index, so there would be no task: give at least one, or leave it out")
    return text


def _retry(retry: Union[None, int, RetryPolicy]) -> Any:
    if retry is None:
        return None
    policy = RetryPolicy(limit=retry, on=[]) if isinstance(retry, int) else retry
    if isinstance(policy.on, str):
        raise InvalidInputError(f'retry: on is a list, as in on=["{policy.on}"]')
    fields: Dict[str, Any] = {"limit": policy.limit, "on": list(policy.on), "where": policy.where}
    return job_pb2.RetryPolicy(**fields, delay=policy.delay)


def _span(span: Any) -> Optional[float]:
    return None if span is None else seconds(span)
