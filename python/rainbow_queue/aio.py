"""The client for asyncio: the same methods as RainbowClient, awaited; what streams is iterated with `async for`."""

from __future__ import annotations

import asyncio
import time
from types import TracebackType
from typing import Any, AsyncIterator, Callable, Dict, Iterable, List, Optional, Tuple, Type, TypeVar, Union, cast

import grpc

from rainbow_queue import calls, streams, types
from rainbow_queue.channel import Tls, open_async_channel
from rainbow_queue.client import DEFAULT_HOST, _serialize, _TimeIsUp
from rainbow_queue.config import RainbowConfig
from rainbow_queue.errors import error_of, is_unavailable
from rainbow_queue.jobspec import JobspecLike, simple_jobspec
from rainbow_queue.user_key import user_key

T = TypeVar("T")


class AsyncRainbowClient:
    """RainbowClient for asyncio: see there for arguments and answers. Made and used within one event loop."""

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
        self._channel = open_async_channel(self.host, use_ssl)

    async def close(self) -> None:
        await self._channel.close()

    async def __aenter__(self) -> AsyncRainbowClient:
        return self

    async def __aexit__(
        self, kind: Optional[Type[BaseException]], error: Optional[BaseException], trace: Optional[TracebackType]
    ) -> None:
        await self.close()

    # ── the prototype's ───────────────────────────────────────────────────────────────────────────────────────

    async def register(self, cluster: str, secret: str, cluster_nodes: str) -> Any:
        return await self._run(calls.register(cluster, secret, cluster_nodes))

    async def register_subsystem(self, cluster: str, subsystem: str, secret: str, nodes: str) -> Any:
        return await self._run(calls.register_subsystem(cluster, subsystem, secret, nodes))

    async def update_state(self, cluster: str, state_data: Union[str, Dict[str, Any]], secret: str) -> Any:
        return await self._run(calls.update_state(cluster, state_data, secret))

    async def submit_jobspec(
        self,
        jobspec: JobspecLike,
        name: Optional[str] = None,
        match_algo: Optional[str] = None,
        select_algo: Optional[str] = None,
        select_options: Optional[Dict[str, str]] = None,
        satisfy_only: bool = False,
    ) -> Any:
        cfg = self.cfg
        return await self._run(
            calls.submit_jobspec(cfg, jobspec, name, match_algo, select_algo, select_options, satisfy_only)
        )

    async def submit_job(
        self,
        command: Union[str, List[str]],
        nodes: int = 1,
        tasks: int = 1,
        match_algo: Optional[str] = None,
        select_algo: Optional[str] = None,
        satisfy_only: bool = False,
    ) -> Any:
        jobspec = simple_jobspec(command, nodes=nodes, tasks=tasks)
        return await self.submit_jobspec(
            jobspec, match_algo=match_algo, select_algo=select_algo, satisfy_only=satisfy_only
        )

    async def receive_jobs(self, max_jobs: Optional[int] = None, accept: bool = True) -> List[Dict[str, Any]]:
        return await self._run(calls.receive_jobs(self.cfg, max_jobs, accept))

    async def accept_jobs(self, jobids: Iterable[int]) -> Any:
        return await self._run(calls.accept_jobs(self.cfg, jobids))

    # ── jobs ──────────────────────────────────────────────────────────────────────────────────────────────────

    async def submit(
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
        return await self._run(
            calls.submit(
                self.cfg, jobspec, name, clusters, policy, policy_options, priority, idempotency_key, on_cluster_loss
            )
        )

    async def job(self, job_id: int) -> types.Job:
        return await self._run(calls.job(job_id))

    async def jobs(
        self,
        states: Iterable[str] = (),
        cluster: Optional[str] = None,
        name: Optional[str] = None,
        oldest_first: bool = False,
        everybody: bool = False,
    ) -> AsyncIterator[types.Job]:
        token = ""
        while True:
            page, token = await self._run(calls.page_of_jobs(token, states, cluster, name, oldest_first, everybody))
            for found in page:
                yield found
            if token == "":
                return

    async def cancel(self, job_id: int, message: str = "") -> types.Job:
        return await self._run(calls.cancel(job_id, message))

    async def wait(self, job_id: int, timeout: Optional[float] = None) -> types.Job:
        until = None if timeout is None else time.monotonic() + timeout
        found = await self.job(job_id)
        if not found.ended:
            try:
                async for _ in self._events(streams.EventPosition(job_id, 0, True), until):
                    pass
            except _TimeIsUp:
                raise TimeoutError(f"job {job_id} is {(await self.job(job_id)).state} after {timeout} s") from None
            found = await self.job(job_id)
        return found

    async def events(
        self, job_id: Optional[int] = None, after: int = 0, follow: bool = False
    ) -> AsyncIterator[types.Event]:
        async for event in self._events(streams.EventPosition(job_id, after, follow), None):
            yield event

    async def logs(self, job_id: int, follow: bool = False, epoch: int = 0) -> AsyncIterator[types.Output]:
        attempt = epoch or (await self.job(job_id)).epoch
        while True:
            position = streams.OutputPosition(job_id, attempt, follow)
            async for message in self._follow(streams.OUTPUT, position.request, streams.OutputChunk, None, follow):
                piece = position.take(message)
                if piece is not None:
                    yield piece
            if epoch != 0 or not follow or (await self.job(job_id)).epoch <= attempt:
                return
            attempt += 1

    async def output(self, job_id: int, stream: str = "stdout", task: Optional[int] = None) -> str:
        pieces = [
            piece
            async for piece in self.logs(job_id)
            if piece.stream == stream and (task is None or piece.task == task)
        ]
        return b"".join(piece.data for piece in pieces).decode("utf-8", "replace")

    async def explain(self, job_id: int) -> types.Explanation:
        return await self._run(calls.explain(job_id))

    async def match(
        self, jobspec: JobspecLike, clusters: Optional[Iterable[str]] = None
    ) -> Tuple[List[types.Candidate], List[types.Opening]]:
        return await self._run(calls.match(self.cfg, jobspec, clusters))

    async def clusters(self) -> List[types.Cluster]:
        return await self._run(calls.clusters())

    async def cluster(self, name: str) -> types.Cluster:
        return await self._run(calls.cluster(name))

    # ── how ───────────────────────────────────────────────────────────────────────────────────────────────────

    async def _run(self, operation: calls.Operation[T]) -> T:
        answer: Any = None
        try:
            while True:
                call = operation.send(answer)
                answer = await self._call(call)
        except StopIteration as end:
            return cast(T, end.value)

    async def _call(self, call: calls.Call) -> Any:
        method = self._channel.unary_unary(
            call.method, request_serializer=_serialize, response_deserializer=call.answer.FromString
        )
        until = time.monotonic() + self.timeout
        backoff = streams.Backoff()
        while True:
            try:
                left = max(until - time.monotonic(), 0.001)
                if call.prototype:
                    return await method(call.request, timeout=left)
                return await method(call.request, timeout=left, metadata=self._metadata())
            except grpc.RpcError as error:
                if call.prototype:
                    raise
                pause = backoff.seconds()
                if not (call.again and is_unavailable(error)) or time.monotonic() + pause >= until:
                    raise error_of(error) from error
                await asyncio.sleep(pause)

    async def _events(self, position: streams.EventPosition, until: Optional[float]) -> AsyncIterator[types.Event]:
        follow = position.request().follow
        async for message in self._follow(streams.WATCH, position.request, streams.Event, until, follow):
            event = position.take(message)
            yield event
            if follow and position.over(event):
                return

    async def _follow(
        self, name: str, request: Callable[[], Any], answer: Any, until: Optional[float], follow: bool
    ) -> AsyncIterator[Any]:
        method = self._channel.unary_stream(
            name, request_serializer=_serialize, response_deserializer=answer.FromString
        )
        backoff = streams.Backoff()
        while True:
            left = None if until is None else max(until - time.monotonic(), 0.001)
            stream = method(request(), timeout=left, metadata=self._metadata())
            try:
                async for message in stream:
                    backoff.came()
                    yield message
                return
            except grpc.RpcError as error:
                if until is not None and error.code() == grpc.StatusCode.DEADLINE_EXCEEDED:
                    raise _TimeIsUp from error
                if not (follow and is_unavailable(error)):
                    raise error_of(error) from error
                await asyncio.sleep(backoff.seconds())
            finally:
                stream.cancel()

    def _metadata(self) -> Tuple[Tuple[str, str], ...]:
        if self._key is None:
            self._key = user_key()
        return (("authorization", f"Bearer {self._key}"),)
