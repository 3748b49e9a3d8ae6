"""What `submit`, `match` and `jobs` can be asked besides; each names the option of the command line that it is."""

from __future__ import annotations

from datetime import datetime, timedelta
from os import PathLike
from typing import Any, Iterable, Mapping, TypedDict, Union

from rainbow_queue.answers import Dependency, Job, RetryPolicy

# A job's number, a task of an array as in "5[3]", or the job itself.
JobId = Union[int, str, Job]
# A datetime with its zone, a timedelta from now, or text with its zone: "2030-01-31T12:00Z".
Moment = Union[datetime, timedelta, str]
# Seconds.
Span = Union[float, timedelta]
# A job that it waits for to complete, a Dependency, or text as in "afterany:17".
After = Union[int, str, Job, Dependency]


class MatchOptions(TypedDict, total=False):
    # Only to these of the configuration's clusters, and of its groups.
    clusters: Iterable[str]
    groups: Iterable[str]
    # Of the clusters and groups named; else the configuration's.
    token: str
    # What the image needs of a node: a path, text or a mapping; else its registry is asked.
    compatibility: Union[str, "PathLike[str]", Mapping[str, Any]]


class SubmitOptions(MatchOptions, total=False):
    # Selection policy, where the server lets clients choose, and its options.
    policy: str
    policy_options: Mapping[str, str]
    # Ask the clusters for bids before one is chosen; how long answers are waited for; may it move to a better one?
    ask: bool
    bid_within: Span
    rebid: bool
    # Place it also where that cluster's scheduler cannot be told all that it asks for.
    allow_lossy: bool
    # Files and folders that go along, into the folder in which it begins; patterns of what comes back from there.
    stage_in: Iterable[Union[str, "PathLike[str]"]]
    stage_out: Iterable[str]
    # Where no cluster can hold it today: wait for one that can, instead of being rejected.
    wait_for_cluster: bool
    # Where a cluster could hold it and is busy: wait in that cluster's queue (True), or here (False).
    queue: bool
    # After other jobs of one's own.
    after: Union[After, Iterable[After]]
    # Many tasks under one id: "0-9,20-30:2%5", or the indices.
    array: Union[str, Iterable[int]]
    # Not before; started by then, or not at all; ended by then.
    begin: Moment
    start_before: Moment
    deadline: Moment
    # Keep it until it is released.
    hold: bool
    # Higher first.
    priority: int
    # The same key again gives the same job; by default one is made for each call.
    idempotency_key: str
    # wait, requeue, fail or duplicate.
    on_cluster_loss: str
    # How often it is tried again, or more exactly.
    retry: Union[int, RetryPolicy]
    # Go elsewhere where its cluster leaves it lying for so long.
    return_after: Span
    # Bytes that are kept of each task's output, and of its errors.
    output_cap: int


class ListOptions(TypedDict, total=False):
    states: Iterable[str]
    cluster: str
    name: str
    # The tasks of this array, and of those the ones with these indices, instead of jobs and arrays.
    array: Union[int, Job]
    array_indices: Iterable[int]
    # submitted, priority (those that have not ended, the highest first) or ended (the others, the last first).
    order: str
    oldest_first: bool
    # Submitted then or later; before then.
    since: Moment
    until: Moment
    # For operators: of everybody, or of this owner.
    everybody: bool
    owner: str


def check_names(given: Mapping[str, Any], of: Any, call: str) -> None:
    """Raises TypeError, as Python does for an argument that nobody knows, or that is one where several are meant."""
    for name in given:
        if name not in of.__optional_keys__:
            raise TypeError(f"{call}() has no option {name!r}; there are {', '.join(sorted(of.__optional_keys__))}")
    for name in ("clusters", "groups", "states", "stage_in", "stage_out"):
        several = given.get(name)
        if isinstance(several, (str, PathLike)):
            raise TypeError(f'{name} are several: give a list, as in {name}=["{several}"]')
        if several is not None and not isinstance(several, Iterable):
            raise TypeError(f"{name} are several: give a list, not {several!r}")
