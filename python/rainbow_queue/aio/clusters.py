# Made from ../blocking by twins.py; never edited.
"""Clusters, groups, bids and the server. Errors are RainbowError."""

from __future__ import annotations

from typing import Iterable, List, Mapping, Optional

from rainbow_queue import answers
from rainbow_queue.aio.caller import Caller
from rainbow_queue.operations import clusters
from rainbow_queue.options import Moment


class Clusters(Caller):
    async def clusters(self) -> List[answers.Cluster]:
        """What is registered, what is free, when it last spoke."""
        return await self._run(clusters.clusters())

    async def cluster(self, name: str) -> answers.Cluster:
        return await self._run(clusters.cluster(name))

    async def drain(self, cluster: str, reason: str = "", secret: Optional[str] = None) -> answers.Cluster:
        """No new jobs until it is resumed. For who has its secret (else the configuration's), and operators."""
        return await self._run(clusters.drain(self.cfg, cluster, reason, secret))

    async def resume(self, cluster: str, secret: Optional[str] = None) -> answers.Cluster:
        return await self._run(clusters.resume(self.cfg, cluster, secret))

    async def plan_maintenance(
        self, cluster: str, since: Moment, until: Moment, reason: str = "", secret: Optional[str] = None
    ) -> answers.Cluster:
        """No job is placed there whose walltime reaches into the window."""
        return await self._run(clusters.plan_maintenance(self.cfg, cluster, since, until, reason, secret))

    async def cancel_maintenance(
        self, cluster: str, since: Optional[Moment] = None, secret: Optional[str] = None
    ) -> answers.Cluster:
        """The window that begins then; without a time, all of them."""
        return await self._run(clusters.cancel_maintenance(self.cfg, cluster, since, secret))

    async def groups(self) -> List[answers.Group]:
        """Named sets of clusters that one token opens. Groups are for operators."""
        return await self._run(clusters.groups())

    async def create_group(self, name: str, members: Iterable[str] = ()) -> answers.NewGroup:
        """The token is shown once, never again."""
        return await self._run(clusters.create_group(name, members))

    async def update_group(self, name: str, members: Iterable[str]) -> answers.Group:
        """Sets its clusters; the token stays."""
        return await self._run(clusters.update_group(name, members))

    async def delete_group(self, name: str) -> None:
        await self._run(clusters.delete_group(name))

    async def bid_record(self, cluster: str) -> answers.BidRecord:
        """How the cluster's bids compare with what happened."""
        return await self._run(clusters.bid_record(cluster))

    async def replay(
        self,
        policy: str = "",
        policy_options: Optional[Mapping[str, str]] = None,
        since: Optional[Moment] = None,
        until: Optional[Moment] = None,
        shadow: bool = False,
        limit: int = 0,
    ) -> answers.Replay:
        """Another policy over the decisions that were taken; nothing is changed. One's own, for operators of all.

        shadow: what the server's shadow policy chose at the time, instead of `policy`.
        """
        return await self._run(clusters.replay(policy, policy_options, since, until, shadow, limit))

    async def server_info(self) -> answers.ServerInfo:
        return await self._run(clusters.server_info())
