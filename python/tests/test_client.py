"""Both clients against a real server with a real agent."""

import asyncio
import os
import threading
import unittest

import grpc
import rainbow_queue
from rainbow_queue import AsyncRainbowClient, RainbowClient, RainbowError
from rainbow_queue.protos import rainbow_pb2

from server import SECRET, Server, eventually


def shell(script, **resources):
    cores = {"type": "core", "count": resources.get("cores", 1)}
    return {
        "version": 1,
        "resources": [{"type": "slot", "count": 1, "label": "task", "with": [cores]}],
        "tasks": [{"command": ["sh", "-c", script], "slot": "task", "count": {"per_slot": 1}}],
        "attributes": {"system": {"duration": 60}},
    }


class WithServer(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Server()
        cls.addClassCleanup(cls.server.end)
        os.environ["XDG_CONFIG_HOME"] = cls.server.folder
        with RainbowClient(host=cls.server.host) as client:
            answer = client.register("red", SECRET, cls.server.graph)
        cls.token, cls.secret = answer.token, answer.secret
        cfg = rainbow_queue.config.RainbowConfig(cls.server.config)
        cfg.cfg["cluster"] = {"name": "red", "secret": cls.secret}
        cfg.add_cluster("red", cls.token)
        cfg.save_yaml(cls.server.config)
        cls.agent = cls.server.agent()
        cls.client = RainbowClient(config_file=cls.server.config)
        cls.addClassCleanup(cls.client.close)
        eventually(lambda: cls.client.cluster("red").connected, "the agent is connected")


class Jobs(WithServer):
    def test_submit_wait_output(self):
        submitted = self.client.submit(shell("echo to you; echo aside >&2; exit 3"), name="greeting")
        self.assertTrue(submitted.created)
        self.assertEqual(submitted.decision.chosen, "red")
        ended = self.client.wait(submitted.job.id, timeout=60)
        self.assertEqual((ended.state, ended.exit_code, ended.name), ("failed", 3, "greeting"))
        self.assertEqual(ended.reason.code, "exit")
        self.assertLessEqual(ended.submitted_at, ended.ended_at)
        self.assertEqual(self.client.output(ended.id), "to you\n")
        self.assertEqual(self.client.output(ended.id, stream="stderr"), "aside\n")
        self.assertEqual([attempt.state for attempt in ended.attempts], ["failed"])

    def test_the_same_key_is_the_same_job(self):
        first = self.client.submit(shell("true"), idempotency_key="once")
        second = self.client.submit(shell("true"), idempotency_key="once")
        self.assertEqual((first.job.id, True, False), (second.job.id, first.created, second.created))

    def test_events_in_order(self):
        job = self.client.submit(shell("true")).job
        seen = list(self.client.events(job.id, follow=True))
        self.assertEqual(seen[-1].kind, "completed")
        self.assertEqual(sorted({event.seq for event in seen}), [event.seq for event in seen])
        again = list(self.client.events(job.id, after=seen[0].seq))
        self.assertEqual(again, seen[1:])

    def test_logs_are_followed(self):
        go = os.path.join(self.server.folder, "go")
        job = self.client.submit(shell(f"echo one; while [ ! -e {go} ]; do sleep 0.05; done; echo two")).job
        got = []
        for piece in self.client.logs(job.id, follow=True):
            got.append(piece.text)
            if "".join(got) == "one\n":
                open(go, "w").close()
        self.assertEqual("".join(got), "one\ntwo\n")

    def test_cancel(self):
        job = self.client.submit(shell("sleep 600")).job
        eventually(lambda: self.client.job(job.id).state == "running", "it runs")
        self.client.cancel(job.id, "enough")
        ended = self.client.wait(job.id, timeout=60)
        self.assertEqual((ended.state, ended.reason.code), ("canceled", "user"))
        self.assertEqual(self.client.cancel(job.id).state, "canceled")

    def test_wait_gives_up_in_time(self):
        job = self.client.submit(shell("sleep 600")).job
        with self.assertRaises(TimeoutError):
            self.client.wait(job.id, timeout=0.3)
        self.client.cancel(job.id)
        self.client.wait(job.id, timeout=60)

    def test_what_fits_nowhere_says_why(self):
        submitted = self.client.submit(shell("true", cores=64))
        self.assertEqual((submitted.job.state, submitted.job.reason.code), ("rejected", "never_fits"))
        explained = self.client.explain(submitted.job.id)
        (candidate,) = explained.decisions[0].candidates
        self.assertEqual((candidate.cluster, candidate.satisfiable), ("red", "no"))
        self.assertIn("64", candidate.reasons[0].message)
        self.assertEqual(explained.openings[0].clusters, ["red"])
        candidates, openings = self.client.match(shell("true", cores=64))
        self.assertEqual((candidates[0].satisfiable, openings), ("no", explained.openings))

    def test_list(self):
        ids = [self.client.submit(shell("true"), name="listed").job.id for _ in range(3)]
        for each in ids:
            self.client.wait(each, timeout=60)
        found = [job.id for job in self.client.jobs(states=["completed"], name="listed", oldest_first=True)]
        self.assertEqual(found, ids)
        with self.assertRaisesRegex(ValueError, "no job state 'done'"):
            list(self.client.jobs(states=["done"]))

    def test_errors_say_what(self):
        with self.assertRaises(RainbowError) as caught:
            self.client.job(123456789)
        self.assertEqual(caught.exception.code, "not_found")
        with self.assertRaises(RainbowError) as caught:
            self.client.submit("version: 1\nresources: 7\n")
        self.assertEqual(caught.exception.code, "invalid_argument")
        self.assertIn("resources", str(caught.exception))
        other = RainbowClient(config_file=self.server.config, key="rbu_" + "x" * 43)
        self.addCleanup(other.close)
        job = self.client.submit(shell("true")).job
        with self.assertRaises(RainbowError):
            other.cancel(job.id)

    def test_the_command_line_knows_the_jobs(self):
        job = self.client.submit(shell("true")).job
        self.assertIn(
            f'"id":{job.id},', self.server.rainbow("job", "show", str(job.id), "--json", "--host", self.server.host)
        )


class Prototype(WithServer):
    def test_its_whole_flow(self):
        cfg = self.server.config
        again = self.client.register("red", SECRET, self.server.graph)
        self.assertEqual(again.status, rainbow_pb2.RegisterResponse.ResultType.REGISTER_EXISTS)
        with self.assertRaises(grpc.RpcError):
            self.client.register("blue", "wrong", self.server.graph)
        blue = self.client.register("blue", SECRET, self.server.graph)
        state = self.client.update_state("blue", {"nodes_free": 1}, blue.secret)
        self.assertEqual(state.status, rainbow_pb2.UpdateStateResponse.UPDATE_STATE_SUCCESS)
        mine = rainbow_queue.config.RainbowConfig(cfg)
        mine.cfg.update(
            cluster={"name": "blue", "secret": blue.secret}, clusters=[{"name": "blue", "token": blue.token}]
        )
        path = os.path.join(self.server.folder, "blue.yaml")
        mine.save_yaml(path)
        with RainbowClient(config_file=path) as client:
            response = client.submit_job("hostname -f", nodes=1, tasks=2)
            self.assertEqual((response.status, response.cluster, response.total_matches), (1, "blue", 2))
            self.assertEqual(list(client.submit_job("hostname", nodes=64).clusters), [])
            only = client.submit_job(["hostname"], satisfy_only=True)
            self.assertEqual(only.clusters, ["blue"])
            (job,) = client.receive_jobs(5, accept=False)
            self.assertEqual((job["id"], job["cluster"]), (1, "blue"))
            accepted = client.accept_jobs([1])
            self.assertEqual(accepted.status, rainbow_pb2.AcceptJobsResponse.RESULT_TYPE_SUCCESS)
            self.assertEqual(client.receive_jobs(), [])
        with self.assertRaisesRegex(ValueError, "does not exist"):
            self.client.register("green", SECRET, "/nowhere.json")
        with self.assertRaisesRegex(ValueError, "command is required"):
            self.client.submit_job("")


class Asyncio(WithServer):
    def test_the_same_awaited(self):
        async def story():
            async with AsyncRainbowClient(config_file=self.server.config) as client:
                submitted = await asyncio.gather(*(client.submit(shell(f"echo {n}")) for n in range(8)))
                ended = await asyncio.gather(*(client.wait(each.job.id, timeout=60) for each in submitted))
                self.assertEqual({job.state for job in ended}, {"completed"})
                texts = [await client.output(job.id) for job in ended]
                self.assertEqual(texts, [f"{n}\n" for n in range(8)])
                found = [job.id async for job in client.jobs(oldest_first=True)]
                self.assertEqual(found, sorted(job.id for job in ended))
                kinds = [event.kind async for event in client.events(ended[0].id, follow=True)]
                self.assertEqual(kinds[-1], "completed")
                with self.assertRaises(RainbowError):
                    await client.job(99999)
                explained = await client.explain(ended[0].id)
                self.assertEqual(explained.decisions[0].chosen, "red")
                self.assertEqual([cluster.name for cluster in await client.clusters()], ["red"])

        asyncio.run(story())


class Breaks(WithServer):
    def test_the_server_is_killed_while_one_waits_and_submits(self):
        go = os.path.join(self.server.folder, "go-on")
        job = self.client.submit(shell(f"echo before; while [ ! -e {go} ]; do sleep 0.05; done; echo after")).job
        eventually(lambda: self.client.job(job.id).state == "running", "it runs")
        outcome = {}

        def wait():
            outcome["job"] = self.client.wait(job.id, timeout=120)
            outcome["text"] = "".join(piece.text for piece in self.client.logs(job.id, follow=True))

        waiting = threading.Thread(target=wait)
        waiting.start()
        self.server.stop_server()
        submitting = threading.Thread(
            target=lambda: outcome.update(second=self.client.submit(shell("true"), name="second"))
        )
        submitting.start()
        self.server.serve()
        submitting.join(60)
        open(go, "w").close()
        waiting.join(120)
        self.assertEqual(outcome["job"].state, "completed")
        self.assertEqual(outcome["text"], "before\nafter\n")
        self.assertEqual([each.id for each in self.client.jobs(name="second")], [outcome["second"].job.id])


if __name__ == "__main__":
    unittest.main()
