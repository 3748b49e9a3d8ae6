# Made from ../blocking by twins.py; never edited.
"""The prototype's methods, with its names, arguments and answers; their errors are grpc.RpcError."""

from __future__ import annotations

from typing import Any, Dict, Iterable, List, Optional, Union

from rainbow_queue.aio.caller import Caller
from rainbow_queue.jobspec import JobspecLike, simple_jobspec
from rainbow_queue.operations import prototype


class Prototype(Caller):
    async def register(self, cluster: str, secret: str, cluster_nodes: str) -> Any:
        """Registers a cluster with the graph in the file `cluster_nodes`; the answer has its secret and token."""
        return await self._run(prototype.register(cluster, secret, cluster_nodes))

    async def register_subsystem(self, cluster: str, subsystem: str, secret: str, nodes: str) -> Any:
        """Adds a subsystem, from the file `nodes`, to a cluster."""
        return await self._run(prototype.register_subsystem(cluster, subsystem, secret, nodes))

    async def update_state(self, cluster: str, state_data: Union[str, Dict[str, Any]], secret: str) -> Any:
        """Merges keys, from a mapping or a JSON file, into what is known of a cluster."""
        return await self._run(prototype.update_state(cluster, state_data, secret))

    async def submit_jobspec(
        self,
        jobspec: JobspecLike,
        name: Optional[str] = None,
        match_algo: Optional[str] = None,
        select_algo: Optional[str] = None,
        select_options: Optional[Dict[str, str]] = None,
        satisfy_only: bool = False,
    ) -> Any:
        """The prototype's submit: asks which clusters satisfy, then submits to those that there are tokens for."""
        return await self._run(
            prototype.submit_jobspec(self.cfg, jobspec, name, match_algo, select_algo, select_options, satisfy_only)
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
        """The same for a command on `nodes` nodes with `tasks` cores each."""
        jobspec = simple_jobspec(command, nodes=nodes, tasks=tasks)
        return await self.submit_jobspec(jobspec, match_algo=match_algo, select_algo=select_algo, satisfy_only=satisfy_only)

    async def receive_jobs(self, max_jobs: Optional[int] = None, accept: bool = True) -> List[Dict[str, Any]]:
        """Jobs for the configuration's own cluster, accepted at once unless `accept` is False."""
        return await self._run(prototype.receive_jobs(self.cfg, max_jobs, accept))

    async def accept_jobs(self, jobids: Iterable[int]) -> Any:
        """Says that the configuration's own cluster has these jobs, by the ids that `receive_jobs` gave them."""
        return await self._run(prototype.accept_jobs(self.cfg, jobids))
