"""Clusters, groups, decisions run again, and the server itself."""

import unittest
from datetime import datetime, timedelta, timezone

from rainbow_queue import AlreadyExistsError, PermissionDeniedError, RainbowError, UnauthenticatedError

from server import WithServer, shell


class Clusters(WithServer):
    def test_what_there_is(self):
        (red,) = [each for each in self.client.clusters() if each.name == "red"]
        self.assertEqual((red.runner, red.connected), ("process", True))
        cores = [each for each in red.resources if each.type == "core"]
        self.assertEqual([each.total for each in cores], [4])
        info = self.client.server_info()
        self.assertEqual((info.store, bool(info.version)), ("sqlite", True))

    def test_drain_and_maintenance(self):
        # The secret of the configuration's own cluster.
        drained = self.client.drain("red", "disks")
        self.assertEqual((drained.drain_reason, drained.drained_at is None), ("disks", False))
        self.assertIsNone(self.client.resume("red").drained_at)
        begin = datetime(2040, 1, 1, tzinfo=timezone.utc)
        (window,) = self.client.plan_maintenance("red", begin, begin + timedelta(hours=2), "kernel").maintenance
        self.assertEqual((window.from_, window.until, window.reason), (begin, begin + timedelta(hours=2), "kernel"))
        self.assertEqual(self.operator().cancel_maintenance("red").maintenance, [])
        with self.assertRaises(UnauthenticatedError):
            self.client.drain("red", secret="wrong")

    def test_groups_are_for_operators(self):
        operator = self.operator()
        made = operator.create_group("campus", ["red"])
        self.assertEqual(made.group.clusters, ["red"])
        self.addCleanup(operator.delete_group, "campus")
        with self.assertRaises(AlreadyExistsError):
            operator.create_group("campus")
        member = self.other("m", host=self.server.host)
        member.cfg.remove_cluster("red")
        job = member.submit(shell("true"), groups=["campus"], token=made.token).job
        self.assertEqual(member.wait(job, timeout=60).cluster, "red")
        member.cfg.cfg["groups"] = [{"name": "campus", "token": made.token}]
        self.assertEqual(member.submit(shell("true"), hold=True).job.candidates, ["red"])
        self.assertEqual(operator.update_group("campus", []).clusters, [])
        self.assertEqual([group.name for group in operator.groups()], ["campus"])
        with self.assertRaises((PermissionDeniedError, UnauthenticatedError)):
            self.client.groups()

    def test_replay(self):
        self.client.wait(self.client.submit(shell("true")).job, timeout=60)
        replayed = self.client.replay("first")
        self.assertGreaterEqual(replayed.decisions, 1)
        self.assertEqual((replayed.policy, replayed.changed), ("first", 0))
        with self.assertRaises(RainbowError):
            self.client.replay("nonsense")


if __name__ == "__main__":
    unittest.main()
