"""The blocking client."""

from __future__ import annotations

import time
from types import TracebackType
from typing import Any, Callable, Dict, Iterable, Iterator, List, Optional, Tuple, Type, TypeVar, Union, cast

import grpc

from rainbow_queue import calls, streams, types
from rainbow_queue.channel import Tls, open_channel
from rainbow_queue.config import RainbowConfig
from rainbow_queue.errors import RainbowError, error_of, is_unavailable
from rainbow_queue.jobspec import JobspecLike, simple_jobspec
from rainbow_queue.user_key import user_key

T = TypeVar("T")
DEFAULT_HOST = "localhost:50051"


class RainbowClient:
    """Talks to one Rainbow server; connects with the first call, reconnects by itself.

    The prototype's methods are the first group below, with its names, arguments and answers; their errors are
    grpc.RpcError. The others raise RainbowError.

    host: `name:port`; the configuration's host counts first, as in the prototype.
    config_file: where clusters, groups and their tokens are read from; it need not exist.
    database: for the prototype's sake; the server has its own.
    use_ssl: True, or Tls with the files to use.
    key: whose jobs these are: a user key, or the server's secret for an operator. By default the user's own, which
        is made where there is none yet.
    timeout: seconds that one call may take, repeated tries included.
    """

    def __init__(
        self,
        host: str = DEFAULT_HOST,
        config_file: Optional[str] = None,
        database: Optional[str] = None,
        use_ssl: Union[bool, Tls] = False,
        key: Optional[str] = None,
        timeout: float = 60.0,
    ) -> None:
        self.cfg = RainbowConfig(config_file)
        self.host = self.cfg.host or host
        self.database = database or "memory"
        self.timeout = timeout
        self._key = key
        self._channel = open_channel(self.host, use_ssl)

    def close(self) -> None:
        self._channel.close()

    def __enter__(self) -> RainbowClient:
        return self

    def __exit__(
        self, kind: Optional[Type[BaseException]], error: Optional[BaseException], trace: Optional[TracebackType]
    ) -> None:
        self.close()

    # ── the prototype's ───────────────────────────────────────────────────────────────────────────────────────

    def register(self, cluster: str, secret: str, cluster_nodes: str) -> Any:
        """Registers a cluster with the graph in the file `cluster_nodes`; the answer has its secret and token."""
        return self._run(calls.register(cluster, secret, cluster_nodes))

    def register_subsystem(self, cluster: str, subsystem: str, secret: str, nodes: str) -> Any:
        """Adds a subsystem, from the file `nodes`, to a cluster."""
        return self._run(calls.register_subsystem(cluster, subsystem, secret, nodes))

    def update_state(self, cluster: str, state_data: Union[str, Dict[str, Any]], secret: str) -> Any:
        """Merges keys, from a mapping or a JSON file, into what is known of a cluster."""
        return self._run(calls.update_state(cluster, state_data, secret))

    def submit_jobspec(
        self,
        jobspec: JobspecLike,
        name: Optional[str] = None,
        match_algo: Optional[str] = None,
        select_algo: Optional[str] = None,
        select_options: Optional[Dict[str, str]] = None,
        satisfy_only: bool = False,
    ) -> Any:
        """The prototype's submit: asks which clusters satisfy, then submits to those that there are tokens for."""
        cfg = self.cfg
        return self._run(
            calls.submit_jobspec(cfg, jobspec, name, match_algo, select_algo, select_options, satisfy_only)
        )

    def submit_job(
        self,
        command: Union[str, List[str]],
        nodes: int = 1,
        tasks: int = 1,
        match_algo: Optional[str] = None,
        select_algo: Optional[str] = None,
        satisfy_only: bool = False,
    ) -> Any:
        """The same for a command on `nodes` nodes with `tasks` cores each."""
        jobspec = simple_jobspec(command, nodes=nodes, tasks=tasks)
        return self.submit_jobspec(jobspec, match_algo=match_algo, select_algo=select_algo, satisfy_only=satisfy_only)

    def receive_jobs(self, max_jobs: Optional[int] = None, accept: bool = True) -> List[Dict[str, Any]]:
        """Jobs for the configuration's own cluster, accepted at once unless `accept` is False."""
        return self._run(calls.receive_jobs(self.cfg, max_jobs, accept))

    def accept_jobs(self, jobids: Iterable[int]) -> Any:
        """Says that the configuration's own cluster has these jobs, by the ids that `receive_jobs` gave them."""
        return self._run(calls.accept_jobs(self.cfg, jobids))

    # ── jobs ──────────────────────────────────────────────────────────────────────────────────────────────────

    def submit(
        self,
        jobspec: JobspecLike,
        name: Optional[str] = None,
        clusters: Optional[Iterable[str]] = None,
        policy: Optional[str] = None,
        policy_options: Optional[Dict[str, str]] = None,
        priority: int = 0,
        idempotency_key: Optional[str] = None,
        on_cluster_loss: Optional[str] = None,
    ) -> types.Submitted:
        """Submits a jobspec (a path, text, a mapping, or a Jobspec of the jobspec package).

        Answers once the job is durable. While the server is away it is tried again, until the timeout, and never
        makes a second job. A job that no cluster can ever hold is stored as `rejected`, with its reasons.
        clusters: of those in the configuration, only these.
        on_cluster_loss: wait, requeue, fail or duplicate.
        """
        return self._run(
            calls.submit(
                self.cfg, jobspec, name, clusters, policy, policy_options, priority, idempotency_key, on_cluster_loss
            )
        )

    def job(self, job_id: int) -> types.Job:
        """One job with its jobspec and attempts."""
        return self._run(calls.job(job_id))

    def jobs(
        self,
        states: Iterable[str] = (),
        cluster: Optional[str] = None,
        name: Optional[str] = None,
        oldest_first: bool = False,
        everybody: bool = False,
    ) -> Iterator[types.Job]:
        """One's jobs, newest first, page by page. `everybody` is for operators."""
        token = ""
        while True:
            page, token = self._run(calls.page_of_jobs(token, states, cluster, name, oldest_first, everybody))
            yield from page
            if token == "":
                return

    def cancel(self, job_id: int, message: str = "") -> types.Job:
        """Asks for a cancel; a job that an agent holds is canceled when that agent has confirmed it. Idempotent."""
        return self._run(calls.cancel(job_id, message))

    def wait(self, job_id: int, timeout: Optional[float] = None) -> types.Job:
        """Blocks until the job has ended. Raises TimeoutError after `timeout` seconds."""
        until = None if timeout is None else time.monotonic() + timeout
        found = self.job(job_id)
        if not found.ended:
            try:
                for _ in self._events(streams.EventPosition(job_id, 0, True), until):
                    pass
            except _TimeIsUp:
                raise TimeoutError(f"job {job_id} is {self.job(job_id).state} after {timeout} s") from None
            found = self.job(job_id)
        return found

    def events(self, job_id: Optional[int] = None, after: int = 0, follow: bool = False) -> Iterator[types.Event]:
        """Events after the number `after`, in commit order: of one job, or of all one's jobs.

        With `follow` it goes on until the job has ended (without a job: for ever), over breaks of the connection,
        and neither misses nor repeats one.
        """
        return self._events(streams.EventPosition(job_id, after, follow), None)

    def logs(self, job_id: int, follow: bool = False, epoch: int = 0) -> Iterator[types.Output]:
        """What the job's tasks wrote, in the order in which it came; of the newest attempt unless `epoch` is given.

        With `follow` until the job has ended, over breaks of the connection and into new attempts.
        """
        attempt = epoch or self.job(job_id).epoch
        while True:
            position = streams.OutputPosition(job_id, attempt, follow)
            for message in self._follow(streams.OUTPUT, position.request, streams.OutputChunk, None, follow):
                piece = position.take(message)
                if piece is not None:
                    yield piece
            if epoch != 0 or not follow or self.job(job_id).epoch <= attempt:
                return
            attempt += 1

    def output(self, job_id: int, stream: str = "stdout", task: Optional[int] = None) -> str:
        """All that was kept of one stream, as text; of all tasks, unless one is given."""
        pieces = [
            piece for piece in self.logs(job_id) if piece.stream == stream and (task is None or piece.task == task)
        ]
        return b"".join(piece.data for piece in pieces).decode("utf-8", "replace")

    def explain(self, job_id: int) -> types.Explanation:
        """Every decision on a job: who was asked, who could not and why, and what would have opened them."""
        return self._run(calls.explain(job_id))

    def match(
        self, jobspec: JobspecLike, clusters: Optional[Iterable[str]] = None
    ) -> Tuple[List[types.Candidate], List[types.Opening]]:
        """Which clusters could hold a jobspec, and what would open the others. Nothing is stored."""
        return self._run(calls.match(self.cfg, jobspec, clusters))

    def clusters(self) -> List[types.Cluster]:
        return self._run(calls.clusters())

    def cluster(self, name: str) -> types.Cluster:
        return self._run(calls.cluster(name))

    # ── how ───────────────────────────────────────────────────────────────────────────────────────────────────

    def _run(self, operation: calls.Operation[T]) -> T:
        answer: Any = None
        try:
            while True:
                call = operation.send(answer)
                answer = self._call(call)
        except StopIteration as end:
            return cast(T, end.value)

    def _call(self, call: calls.Call) -> Any:
        method = self._channel.unary_unary(
            call.method, request_serializer=_serialize, response_deserializer=call.answer.FromString
        )
        until = time.monotonic() + self.timeout
        backoff = streams.Backoff()
        while True:
            try:
                left = max(until - time.monotonic(), 0.001)
                if call.prototype:
                    return method(call.request, timeout=left)
                return method(call.request, timeout=left, metadata=self._metadata())
            except grpc.RpcError as error:
                if call.prototype:
                    raise
                pause = backoff.seconds()
                if not (call.again and is_unavailable(error)) or time.monotonic() + pause >= until:
                    raise error_of(error) from error
                time.sleep(pause)

    def _events(self, position: streams.EventPosition, until: Optional[float]) -> Iterator[types.Event]:
        follow = position.request().follow
        for message in self._follow(streams.WATCH, position.request, streams.Event, until, follow):
            event = position.take(message)
            yield event
            if follow and position.over(event):
                return

    def _follow(
        self, name: str, request: Callable[[], Any], answer: Any, until: Optional[float], follow: bool
    ) -> Iterator[Any]:
        """Messages of a stream; where it breaks while it is followed, it is asked for again."""
        method = self._channel.unary_stream(
            name, request_serializer=_serialize, response_deserializer=answer.FromString
        )
        backoff = streams.Backoff()
        while True:
            left = None if until is None else max(until - time.monotonic(), 0.001)
            stream: Any = method(request(), timeout=left, metadata=self._metadata())
            try:
                for message in stream:
                    backoff.came()
                    yield message
                return
            except grpc.RpcError as error:
                if until is not None and error.code() == grpc.StatusCode.DEADLINE_EXCEEDED:
                    raise _TimeIsUp from error
                if not (follow and is_unavailable(error)):
                    raise error_of(error) from error
                time.sleep(backoff.seconds())
            finally:
                stream.cancel()

    def _metadata(self) -> Tuple[Tuple[str, str], ...]:
        if self._key is None:
            self._key = user_key()
        return (("authorization", f"Bearer {self._key}"),)


class _TimeIsUp(Exception):
    """The caller's timeout, not the server's."""


def _serialize(message: Any) -> bytes:
    return cast(bytes, message.SerializeToString())


__all__ = ["RainbowClient", "RainbowError", "Tls"]
