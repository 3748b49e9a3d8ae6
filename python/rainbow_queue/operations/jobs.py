"""Calls of the JobService."""

from __future__ import annotations

import functools
import re
from typing import Any, Callable, List, NamedTuple, Optional

from rainbow_queue import answers
from rainbow_queue.answers.convert import value_of
from rainbow_queue.call import FILES, JOBS, Call, Operation
from rainbow_queue.config import RainbowConfig
from rainbow_queue.credentials import credentials
from rainbow_queue.errors import AbortedError, InvalidInputError, NotFoundError
from rainbow_queue.jobspec import JobspecLike, jobspec_text
from rainbow_queue.operations.requests import compatibility_text, submit_request
from rainbow_queue.options import JobId, MatchOptions, SubmitOptions, check_names
from rainbow_queue.protos.v1 import files_pb2, job_pb2, jobs_pb2
from rainbow_queue.staging import find_staged, upload

# How often a job is submitted whose files are gone again.
_TRIES = 3


def submit(
    cfg: RainbowConfig, operator: bool, jobspec: JobspecLike, name: Optional[str], options: SubmitOptions
) -> Operation[answers.Submitted]:
    job = yield from prepared(cfg, operator, jobspec, name, options)
    return (yield from sent(job))


class Prepared(NamedTuple):
    """What is sent for a job whose files are with the server, and where the tokens in it are from."""

    request: Any
    carried: str
    # Sends of the files what the server has not, or not any more.
    bring: Callable[[], Operation[None]]


def sent(job: Prepared) -> Operation[answers.Submitted]:
    """Where others needed the room before it came, its files are sent again."""
    for left in reversed(range(_TRIES)):
        try:
            response = yield Call(JOBS + "Submit", job.request, jobs_pb2.SubmitResponse, carried=job.carried)
            return value_of(answers.Submitted, response)
        except AbortedError:
            if left == 0 or not job.request.stage_in:
                raise
        yield from job.bring()
    raise AssertionError


def prepared(
    cfg: RainbowConfig, operator: bool, jobspec: JobspecLike, name: Optional[str], options: SubmitOptions
) -> Operation[Prepared]:
    """Its files are with the server then."""
    check_names(options, SubmitOptions, "submit")
    _list(options)
    presented, carried = credentials(cfg, options, operator)
    files = find_staged(options.get("stage_in") or ())
    request = submit_request(jobspec, name, presented, options, (entry for _, entry in files))
    shown = [files_pb2.FileCredential(name=each.name, token=each.token) for each in presented]

    def bring() -> Operation[None]:
        asked = files_pb2.MissingFilesRequest(
            files=request.stage_in, stage_out=request.stage_out, credentials=shown
        )
        missing = (yield Call(FILES + "Missing", asked, files_pb2.MissingFilesResponse, carried=carried)).sha256
        if missing:
            requests = functools.partial(upload, files, missing, shown)
            yield Call(FILES + "Upload", requests, files_pb2.UploadFilesResponse, carried=carried, streamed=True)

    if files:
        yield from bring()
    return Prepared(request, carried, bring)


def match(
    cfg: RainbowConfig, jobspec: JobspecLike, placement: bool, options: MatchOptions
) -> Operation[answers.Matched]:
    check_names(options, MatchOptions, "match")
    _list(options)
    sent, carried = credentials(cfg, options, True)
    request = jobs_pb2.MatchRequest(
        jobspec=jobspec_text(jobspec),
        credentials=sent,
        clusters=list(options.get("clusters") or ()),
        placement=placement,
        compatibility=compatibility_text(options),
    )
    response = yield Call(JOBS + "Match", request, jobs_pb2.MatchResponse, carried=carried)
    return value_of(answers.Matched, response)


def number(job: JobId) -> Operation[int]:
    """A job's own number; of a task of an array the server is asked."""
    if isinstance(job, answers.Job):
        return job.id
    found = re.fullmatch(r"([1-9]\d{0,18})(?:\[(\d{1,9})\]|_(\d{1,9}))?", str(job))
    if found is None:
        raise InvalidInputError(f"{job!r} is no job’s number, nor a task of an array as in 5[3]")
    array, inside, behind = found.groups()
    if inside is None and behind is None:
        return int(array)
    index = int(inside or behind)
    request = jobs_pb2.ListJobsRequest(array=int(array), array_indices=[index], limit=1)
    response = yield Call(JOBS + "List", request, jobs_pb2.ListJobsResponse)
    if not response.jobs:
        raise NotFoundError(f"array {array} has no task with index {index}")
    return int(response.jobs[0].id)


def get(job: JobId) -> Operation[answers.Job]:
    request = jobs_pb2.GetJobRequest(id=(yield from number(job)))
    return value_of(answers.Job, (yield Call(JOBS + "Get", request, job_pb2.Job)))


def page(request: Any) -> Operation[List[answers.Job]]:
    """Some jobs. The request then asks for the next page; its `page_token` is empty where there is none."""
    response = yield Call(JOBS + "List", request, jobs_pb2.ListJobsResponse)
    request.page_token = response.next_page_token
    return [value_of(answers.Job, each) for each in response.jobs]


def cancel(job: JobId, message: str) -> Operation[answers.Job]:
    request = jobs_pb2.CancelJobRequest(id=(yield from number(job)), message=message)
    return (yield from _changed("Cancel", request))


def hold(job: JobId, message: str) -> Operation[answers.Job]:
    request = jobs_pb2.HoldJobRequest(id=(yield from number(job)), message=message)
    return (yield from _changed("Hold", request))


def release(job: JobId) -> Operation[answers.Job]:
    request = jobs_pb2.ReleaseJobRequest(id=(yield from number(job)))
    return (yield from _changed("Release", request))


def explain(job: JobId) -> Operation[answers.Explanation]:
    request = jobs_pb2.GetJobRequest(id=(yield from number(job)))
    return value_of(answers.Explanation, (yield Call(JOBS + "Explain", request, jobs_pb2.ExplainResponse)))


def _list(options: MatchOptions) -> None:
    """What is looked at twice, and may be something that can be once."""
    for several in ("clusters", "groups"):
        if options.get(several) is None:
            continue
        options[several] = list(options[several])
        wrong = [each for each in options[several] if not isinstance(each, str)]
        if wrong:
            raise InvalidInputError(f"{several}: {wrong[0]!r} is no name")


def _changed(method: str, request: Any) -> Operation[answers.Job]:
    return value_of(answers.Job, (yield Call(JOBS + method, request, job_pb2.Job)))
