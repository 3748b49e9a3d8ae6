"""Jobs, from submit to end, with a real server and a real agent."""

import os
import unittest
from datetime import datetime, timedelta, timezone

from rainbow_queue import (
    DeadlineExceededError,
    Dependency,
    FailedPreconditionError,
    InvalidInputError,
    NotFoundError,
    RainbowClient,
    RainbowError,
    RetryPolicy,
    UnauthenticatedError,
)

from server import WithServer, eventually, shell


class Jobs(WithServer):
    def test_submit_wait_output(self):
        submitted = self.client.submit(shell("echo to you; echo aside >&2; exit 3"), name="greeting")
        self.assertTrue(submitted.created)
        self.assertEqual(submitted.decision.chosen, "red")
        ended = self.client.wait(submitted.job, timeout=60)
        self.assertEqual((ended.state, ended.exit_code, ended.name), ("failed", 3, "greeting"))
        self.assertEqual(ended.reason.code, "exit")
        self.assertLessEqual(ended.submitted_at, ended.ended_at)
        self.assertEqual(self.client.output(ended.id), "to you\n")
        self.assertEqual(self.client.output(ended.id, stream="stderr"), "aside\n")
        self.assertEqual([attempt.state for attempt in ended.attempts], ["failed"])
        self.assertIn("per_slot", ended.jobspec)

    def test_the_same_key_is_the_same_job(self):
        first = self.client.submit(shell("true"), idempotency_key="once")
        second = self.client.submit(shell("true"), idempotency_key="once")
        self.assertEqual((first.job.id, True, False), (second.job.id, first.created, second.created))

    def test_events_in_order_and_from_where_one_was(self):
        client = self.other("e")
        job = client.submit(shell("true")).job
        seen = list(client.events(job, follow=True))
        self.assertEqual(seen[-1].kind, "completed")
        self.assertEqual(sorted({event.seq for event in seen}), [event.seq for event in seen])
        self.assertEqual(list(client.events(job, after=seen[0].seq)), seen[1:])
        # Of all one's jobs: the same, resumed behind any of them.
        every = list(client.events(after=seen[0].seq - 1))
        self.assertEqual([event for event in every if event.job_id == job.id], seen)
        self.assertEqual(list(client.events(after=every[-1].seq)), [])
        resumed = client.events(after=every[-1].seq, follow=True)
        second = client.submit(shell("true")).job
        self.assertEqual(next(resumed).job_id, second.id)
        resumed.close()

    def test_watching_one(self):
        go = os.path.join(self.server.folder, "go-watched")
        job = self.client.submit(shell(f"while [ ! -e {go} ]; do sleep 0.05; done")).job
        states = []
        for found in self.client.watch(job):
            states.append(found.state)
            if found.state == "running":
                open(go, "w").close()
        self.assertEqual(states[-2:], ["running", "completed"])
        self.assertEqual(len(states), len(set(states)))

    def test_logs_are_followed(self):
        go = os.path.join(self.server.folder, "go")
        job = self.client.submit(shell(f"echo one; while [ ! -e {go} ]; do sleep 0.05; done; echo two")).job
        got = []
        for piece in self.client.logs(job.id, follow=True):
            got.append(piece.text)
            if "".join(got) == "one\n":
                open(go, "w").close()
        self.assertEqual("".join(got), "one\ntwo\n")

    def test_of_much_output_head_and_tail_and_how_much_is_missing(self):
        script = "i=0; while [ $i -lt 5000 ]; do echo line $i; i=$((i+1)); done"
        job = self.client.wait(self.client.submit(shell(script), output_cap=4096).job, timeout=60)
        self.assertEqual(job.output_cap, 4096)
        pieces = list(self.client.logs(job, follow=True))
        text = "".join(piece.text for piece in pieces)
        self.assertTrue(text.startswith("line 0\nline 1\n"), text[:40])
        self.assertTrue(text.endswith("line 4999\n"), text[-40:])
        whole = sum(len(f"line {i}\n") for i in range(5000))
        self.assertEqual(sum(len(piece.data) + piece.not_kept for piece in pieces), whole)
        self.assertGreater(sum(piece.not_kept for piece in pieces), whole // 2)
        at = 0
        for piece in pieces:
            self.assertEqual(piece.offset, at)
            at += len(piece.data) + piece.not_kept

    def test_cancel(self):
        job = self.client.submit(shell("sleep 600")).job
        eventually(lambda: self.client.job(job.id).state == "running", "it runs")
        self.client.cancel(job.id, "enough")
        ended = self.client.wait(job.id, timeout=60)
        self.assertEqual((ended.state, ended.reason.code), ("canceled", "user"))
        self.assertEqual(self.client.cancel(job.id).state, "canceled")

    def test_wait_gives_up_in_time(self):
        job = self.client.submit(shell("true"), hold=True).job
        with self.assertRaises(TimeoutError) as caught:
            self.client.wait(job.id, timeout=0.3)
        self.assertIsInstance(caught.exception, DeadlineExceededError)
        self.assertIn(f"job {job.id} is pending after 0.3 s", str(caught.exception))
        self.client.cancel(job.id)

    def test_how_long_is_waited(self):
        held = self.client.submit(shell("true"), hold=True).job
        for given, said in ((0.2, "after 0.2 s"), (timedelta(seconds=0.2), "after 0.2 s"), (0, "after 0 s")):
            with self.assertRaisesRegex(DeadlineExceededError, said):
                self.client.wait(held, timeout=given)
        for wrong in ("x", -1, True, float("nan"), timedelta(seconds=-1)):
            with self.assertRaisesRegex(InvalidInputError, "^timeout: .* is not seconds"):
                self.client.wait(held, timeout=wrong)
            with self.assertRaisesRegex(InvalidInputError, "^timeout: .* is not seconds"):
                self.other(timeout=wrong)
        self.client.cancel(held)
        self.assertEqual(self.client.wait(held, timeout=float("inf")).state, "canceled")
        with self.other(timeout=timedelta(seconds=20)) as client:
            self.assertEqual((client.timeout, client.server_info().store), (20.0, "sqlite"))

    def test_what_fits_nowhere_says_why(self):
        submitted = self.client.submit(shell("true", cores=64))
        self.assertEqual((submitted.job.state, submitted.job.reason.code), ("rejected", "never_fits"))
        self.assertEqual(submitted.openings[0].clusters, ["red"])
        explained = self.client.explain(submitted.job)
        (candidate,) = explained.decisions[0].candidates
        self.assertEqual((candidate.cluster, candidate.satisfiable), ("red", "no"))
        self.assertIn("64", candidate.reasons[0].message)
        relaxation = candidate.reasons[0].relaxation
        self.assertEqual((relaxation.field, relaxation.from_, relaxation.to), ("count", "64", "4"))
        matched = self.client.match(shell("true", cores=64))
        self.assertEqual((matched.clusters, matched.openings), ([], explained.openings))
        placed = self.client.match(shell("true", cores=2), placement=True, clusters=["red"])
        self.assertEqual(placed.clusters, ["red"])
        self.assertIn("R_lite", placed.candidates[0].placement["execution"])

    def test_list(self):
        client = self.other("l")
        begun = datetime.now(timezone.utc)
        ids = [client.submit(shell("true"), name="listed").job.id for _ in range(3)]
        for each in ids:
            client.wait(each, timeout=60)
        found = [job.id for job in client.jobs(states=["completed"], name="listed", oldest_first=True)]
        self.assertEqual(found, ids)
        self.assertEqual([job.id for job in client.jobs(since=begun - timedelta(hours=1))], ids[::-1])
        self.assertEqual(list(client.jobs(until=begun - timedelta(hours=1))), [])
        ended = list(client.jobs(order="ended"))
        self.assertEqual(ended, sorted(ended, key=lambda job: job.ended_at, reverse=True))
        everybody = {job.id for job in self.operator().jobs(everybody=True, name="listed")}
        self.assertEqual(everybody, set(ids))
        for wrong in ({"states": ["done"]}, {"order": "name"}):
            with self.assertRaisesRegex(ValueError, "there are"):
                list(client.jobs(**wrong))
        both = (state for state in ["completed", "failed"])
        self.assertEqual([job.id for job in client.jobs(states=both, oldest_first=True)], ids)
        with self.assertRaisesRegex(TypeError, "no option 'state'; there are array, "):
            list(client.jobs(state="done"))

    def test_the_command_line_knows_the_jobs(self):
        job = self.client.submit(shell("true")).job
        self.assertIn(
            f'"id":{job.id},', self.server.rainbow("job", "show", str(job.id), "--json", "--host", self.server.host)
        )


class When(WithServer):
    def test_arrays(self):
        array = self.client.submit(shell("echo task $RAINBOW_ARRAY_INDEX"), array="3-9:3%2", name="many").job
        self.assertEqual((array.array.indices, array.array.tasks, array.array.most_at_once), ("3-9:3", 3, 2))
        ended = self.client.wait(array, timeout=60)
        self.assertEqual(ended.state, "completed")
        self.assertEqual([(each.state, each.tasks) for each in ended.array.counts], [("completed", 3)])
        tasks = list(self.client.jobs(array=array, oldest_first=True))
        self.assertEqual([task.array_index for task in tasks], [3, 6, 9])
        self.assertEqual({task.array_id for task in tasks}, {array.id})
        self.assertEqual(self.client.job(f"{array.id}[6]").id, tasks[1].id)
        self.assertEqual(self.client.output(f"{array.id}_9"), "task 9\n")
        self.assertEqual(self.client.output(array), "task 3\ntask 6\ntask 9\n")
        kinds = [event.kind for event in self.client.events(array, follow=True) if event.job_id == array.id]
        self.assertEqual(kinds[-1], "completed")
        with self.assertRaisesRegex(NotFoundError, "no task with index 4"):
            self.client.job(f"{array.id}[4]")
        of_range = self.client.submit(shell("true"), array=range(0, 300, 2), hold=True).job
        # More than one page.
        indices = [task.array_index for task in self.client.jobs(array=of_range, oldest_first=True)]
        self.assertEqual(indices, list(range(0, 300, 2)))
        self.client.cancel(of_range)
        self.assertEqual(self.client.wait(of_range, timeout=60).state, "canceled")

    def test_dependencies_and_holds(self):
        first = self.client.submit(shell("exit 1"), hold=True).job
        self.assertEqual((first.held, first.reason.code), (True, "held"))
        good = self.client.submit(shell("true"), after=first).job
        bad = self.client.submit(shell("true"), after=[f"afternotok:{first.id}", Dependency("afterany", first.id)]).job
        self.assertEqual(self.client.job(good).dependencies, [Dependency("afterok", first.id)])
        self.assertEqual(self.client.job(bad).reason.code, "dependency")
        self.assertFalse(self.client.release(first).held)
        self.assertEqual(self.client.wait(bad, timeout=60).state, "completed")
        self.assertEqual(self.client.wait(good, timeout=60).reason.code, "dependency")
        with self.assertRaisesRegex(NotFoundError, "no job"):
            self.client.submit(shell("true"), after=999999)
        for wrong in ("later:3", "soon", "afterok:3+5", -1):
            with self.assertRaises(ValueError):
                self.client.submit(shell("true"), after=wrong)
        held = self.client.hold(self.client.submit(shell("true"), begin=timedelta(hours=1)).job, "not yet")
        self.assertTrue(held.held)
        self.client.cancel(held)

    def test_after_a_start_and_alone(self):
        first = self.client.submit(shell("true"), name="alone", hold=True).job
        second = self.client.submit(shell("true"), name="alone", after="singleton").job
        later = self.client.submit(shell("true"), after=f"after:{first.id}+5").job
        self.assertEqual(self.client.job(second).dependencies, [Dependency("singleton")])
        self.assertEqual(self.client.job(later).dependencies, [Dependency("after", first.id, 5)])
        self.client.release(first)
        self.assertEqual(self.client.wait(second, timeout=60).state, "completed")
        self.assertGreaterEqual(self.client.job(second).started_at, self.client.job(first).ended_at)
        self.client.cancel(later)

    def test_times(self):
        noon = datetime(2040, 1, 31, 12, tzinfo=timezone.utc)
        job = self.client.submit(
            shell("true"), begin=noon, start_before="2040-01-31T13:00Z", deadline="2040-01-31T15:00+01:00"
        ).job
        self.assertEqual(job.reason.code, "begin")
        self.assertEqual(
            (job.begin_at, job.start_before, job.deadline), (noon, noon + timedelta(hours=1), noon + timedelta(hours=2))
        )
        self.client.cancel(job)
        with self.assertRaisesRegex(ValueError, "deadline has no zone"):
            self.client.submit(shell("true"), deadline=datetime(2040, 1, 1))
        with self.assertRaisesRegex(ValueError, "no time"):
            self.client.submit(shell("true"), begin="tomorrow")

    def test_what_happens_when_it_fails_and_where_it_may_go(self):
        job = self.client.submit(
            shell("exit 7"),
            retry=RetryPolicy(1, on=["exit:7"], where="here", delay=0),
            on_cluster_loss="requeue",
            return_after=timedelta(minutes=5),
            output_cap=1 << 20,
            priority=3,
            policy="first",
            queue=True,
            ask=False,
            rebid=False,
            bid_within=1.5,
        ).job
        ended = self.client.wait(job, timeout=60)
        self.assertEqual([attempt.exit_code for attempt in ended.attempts], [7, 7])
        self.assertEqual(ended.retry, RetryPolicy(1, ["exit:7"], "here", 0.0))
        self.assertEqual((ended.on_cluster_loss, ended.return_after, ended.output_cap), ("requeue", 300.0, 1 << 20))
        self.assertEqual((ended.priority, ended.when_busy, ended.ask, ended.rebid), (3, "queue", False, False))
        decision = self.client.explain(ended).decisions[0]
        self.assertEqual((decision.policy, decision.asked, decision.chosen), ("first", False, "red"))
        waiting = self.client.submit(shell("true", cores=64), wait_for_cluster=True).job
        self.assertEqual((waiting.state, waiting.reason.code), ("pending", "waiting_for_cluster"))
        self.client.cancel(waiting)
        for wrong in ({"on_cluster_loss": "panic"}, {"array": []}):
            with self.assertRaises(ValueError):
                self.client.submit(shell("true"), **wrong)

    def test_with_a_bid(self):
        submitted = self.client.submit(shell("true"), ask=True, bid_within=timedelta(seconds=10))
        self.client.wait(submitted.job, timeout=60)
        decision = self.client.explain(submitted.job).decisions[0]
        self.assertTrue(decision.asked)
        self.assertEqual(decision.candidates[0].bid.kind, "yes")
        self.assertLessEqual(decision.candidates[0].bid.offer.start_p50, decision.candidates[0].bid.offer.start_p90)
        record = self.client.bid_record("red")
        self.assertGreaterEqual(record.counts.yes, 1)

    def test_what_an_image_needs(self):
        needs = {"version": "v1alpha1", "compatibilities": [{"rules": [{"matchFeatures": [{"feature": "cpu.cpuid"}]}]}]}
        matched = self.client.match(shell("true"), compatibility=needs)
        self.assertEqual(matched.candidates[0].reasons[0].stage, "image")


class Errors(WithServer):
    def test_what_cannot_be_meant_is_said_at_once(self):
        job = self.client.submit(shell("true"), hold=True).job
        with self.assertRaisesRegex(InvalidInputError, "^stream: 'err' is neither stdout nor stderr"):
            self.client.output(job, stream="err")
        for wrong in ("rbu_x\n", "", "ü", 5):
            with self.assertRaisesRegex(InvalidInputError, "^key: it is no user key"):
                RainbowClient(host=self.server.host, key=wrong)
        folder = os.path.join(self.server.folder, "never-made")
        with self.assertRaisesRegex(FailedPreconditionError, "was not asked to bring files back"):
            self.client.fetch(job, folder)
        self.assertFalse(os.path.exists(folder))
        self.client.cancel(job)

    def test_a_client_that_was_closed_says_so(self):
        client = self.other()
        client.close()
        client.close()
        for act in (lambda: client.clusters(), lambda: next(client.events()), lambda: next(client.submit_many([shell("true")], token="x", clusters=["red"]))):
            with self.assertRaisesRegex(FailedPreconditionError, "was closed: make another one"):
                act()

    def test_they_say_what(self):
        with self.assertRaises(NotFoundError) as caught:
            self.client.job(123456789)
        self.assertEqual(caught.exception.code, "not_found")
        with self.assertRaises(InvalidInputError) as caught:
            self.client.submit("version: 1\nresources: 7\n")
        self.assertIn("resources", str(caught.exception))
        job = self.client.submit(shell("true")).job
        with self.assertRaises(RainbowError):
            self.other().cancel(job.id)
        with self.assertRaisesRegex(TypeError, "no option 'bogus'"):
            self.client.submit(shell("true"), bogus=1)
        with self.assertRaises(ValueError):
            self.client.job("five")

    def test_tokens(self):
        with self.assertRaisesRegex(FailedPreconditionError, "no token for cluster blue in .*rainbow.yaml"):
            self.client.submit(shell("true"), clusters=["blue"])
        with self.assertRaisesRegex(UnauthenticatedError, "check the token given for red"):
            self.client.submit(shell("true"), clusters=["red"], token="wrong")
        with self.assertRaisesRegex(TypeError, 'clusters=\\["red"\\]'):
            self.client.submit(shell("true"), clusters="red")
        nobody = self.other(host=self.server.host)
        nobody.cfg.remove_cluster("red")
        with self.assertRaisesRegex(FailedPreconditionError, "no cluster that you may submit to"):
            nobody.submit(shell("true"))
        once = (name for name in ["red"])
        self.assertEqual(self.client.submit(shell("true"), clusters=once, hold=True).job.candidates, ["red"])
        given = nobody.submit(shell("true"), clusters=["red"], token=self.server.token)
        self.assertEqual(nobody.wait(given.job, timeout=60).state, "completed")


if __name__ == "__main__":
    unittest.main()
