"""Submits by the stream: in order, each with its own refusal, over a break, never twice."""

import asyncio
import os
import tempfile
import unittest

from rainbow_queue import (
    AsyncRainbowClient,
    InvalidInputError,
    NotFoundError,
    RainbowClient,
    RainbowError,
    Submission,
    UnauthenticatedError,
)

from server import Server, WithServer, shell


def said(answer):
    return answer.code if isinstance(answer, RainbowError) else answer.job.name


class Unwritable:
    def to_yaml(self):
        raise KeyError("duration")


class Many(WithServer):
    def test_in_order_with_the_errors_of_each(self):
        client = self.other("many")
        read = []

        def jobs():
            for number in range(60):
                read.append(number)
                if number == 7:
                    yield "version: 1\nresources: 7\n"
                elif number == 9:
                    yield Submission(shell("true"), clusters=["red"], token="wrong")
                elif number == 11:
                    yield "nowhere/there-is-none.yaml"
                elif number == 13:
                    yield Submission(shell("true"), after="sometimes:5")
                elif number == 15:
                    yield Submission(shell("true"), after=10**15)
                else:
                    yield Submission(shell("true"), name=f"job-{number}", hold=True)

        window, answered = 8, []
        for answer in client.submit_many(jobs(), window=window, priority=3):
            answered.append(answer)
            self.assertLessEqual(len(read) - len(answered), window)
        wrong = {7: InvalidInputError, 9: UnauthenticatedError, 11: InvalidInputError, 13: InvalidInputError, 15: NotFoundError}
        for number, answer in enumerate(answered):
            if number in wrong:
                self.assertIsInstance(answer, wrong[number])
            else:
                self.assertEqual((answer.job.name, answer.created), (f"job-{number}", True))
        self.assertEqual(len(answered), 60)
        self.assertIn("check the token given for red", str(answered[9]))
        self.assertIn("there-is-none.yaml", str(answered[11]))
        self.assertIn("there are afterok", str(answered[13]))
        stored = list(client.jobs(oldest_first=True))
        accepted = [said(each) for number, each in enumerate(answered) if number not in wrong]
        self.assertEqual(sorted(job.name for job in stored), sorted(accepted))
        self.assertEqual({(job.priority, job.held) for job in stored}, {(3, True)})

    def test_with_files_and_by_its_own_key(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "word")
            with open(path, "w") as file:
                file.write("brought")
            jobs = [Submission(shell("cat word"), idempotency_key="k-many") for _ in range(2)]
            first, second = self.client.submit_many(jobs, stage_in=iter([path]), window=1)
        self.assertEqual((first.created, second.created, first.job.id), (True, False, second.job.id))
        self.client.wait(first.job, timeout=60)
        self.assertEqual(self.client.output(first.job), "brought")

    def test_awaited(self):
        async def story():
            async with AsyncRainbowClient(config_file=self.server.config, key="rbu_" + ("awaited" * 43)[:43]) as client:
                jobs = ("version: 2\n" if n == 4 else Submission(shell("true"), name=f"a-{n}", hold=True) for n in range(12))
                answered = [said(answer) async for answer in client.submit_many(jobs, window=3)]
                self.assertEqual(answered, ["invalid_input" if n == 4 else f"a-{n}" for n in range(12)])
                # Left before its end: what was sent is there, and nothing is left hanging.
                many = client.submit_many((shell("true") for _ in range(9)), window=2, hold=True)
                async for _ in many:
                    break
                await many.aclose()

        asyncio.run(asyncio.wait_for(story(), 60))

    def test_what_no_request_can_be_made_of_is_its_own_answer(self):
        wrong = [
            (".", "is a folder"),
            (5, "not int"),
            (Unwritable(), "to_yaml\\(\\) failed: KeyError"),
            (Submission(shell("true"), array=range(0)), "^array: it has no index"),
            (Submission(shell("true"), array=5), "^array: 5 is not indices"),
            (Submission(shell("true"), priority="x"), "^priority: 'x' is not a whole number"),
            (Submission(shell("true"), priority=1 << 40), "^priority: "),
            (Submission(shell("true"), name=7), "^name: 7 is not text"),
            (Submission(shell("true"), begin=5), "^begin is a datetime"),
            (Submission(shell("true"), retry="x"), "^retry: 'x' is not a number of times"),
            (Submission(shell("true"), return_after="x"), "^return_after: 'x' is not seconds"),
            (Submission(shell("true"), hold="yes"), "^hold: 'yes' is not True or False"),
            (Submission(shell("true"), queue="no"), "^queue: 'no' is not True or False"),
            (Submission(shell("true"), policy_options={"a": 1}), "^policy_options: "),
            (Submission(shell("true"), clusters=[5]), "^clusters: 5 is no name"),
            (Submission(shell("true"), clusters=["red"], token=5), "^token: it is no text$"),
            (Submission(shell("true"), stage_in=[5]), "^stage_in: 5 is no path"),
        ]
        good = [Submission(shell("true"), name=f"good-{n}", hold=True) for n in range(2)]
        jobs = [good[0], *(each for each, _ in wrong), good[1]]

        async def awaited():
            async with AsyncRainbowClient(config_file=self.server.config) as client:
                return [answer async for answer in client.submit_many(jobs, window=3)]

        for answered in (list(self.client.submit_many(jobs, window=3)), asyncio.run(asyncio.wait_for(awaited(), 60))):
            self.assertEqual([said(answered[0]), said(answered[-1])], ["good-0", "good-1"])
            self.assertEqual(len(answered), len(jobs))
            for answer, (_, words) in zip(answered[1:], wrong):
                self.assertIsInstance(answer, InvalidInputError)
                self.assertRegex(str(answer), words)
        with self.assertRaisesRegex(InvalidInputError, "^priority: 'x' is not"):
            self.client.submit(shell("true"), priority="x")

    def test_reading_them_fails_in_the_middle(self):
        def jobs():
            yield Submission(shell("true"), name="read", hold=True)
            yield "."
            raise KeyError("mine")

        answered = []
        with self.assertRaisesRegex(KeyError, "mine"):
            for answer in self.client.submit_many(jobs()):
                answered.append(said(answer))
        self.assertEqual(answered, ["read", "invalid_input"])

    def test_nothing_and_what_cannot_be_meant(self):
        for one in ("train.yaml", shell("true"), Submission(shell("true"))):
            with self.assertRaisesRegex(TypeError, "give a list"):
                next(self.client.submit_many(one))
        with self.assertRaisesRegex(InvalidInputError, "^window: 0 is not"):
            next(self.client.submit_many([], window=0))
        self.assertEqual(list(self.client.submit_many([])), [])
        self.assertEqual([said(each) for each in self.client.submit_many(["none.yaml"] * 5, window=2)], ["invalid_input"] * 5)
        with self.assertRaisesRegex(TypeError, "key of its own"):
            next(self.client.submit_many([], idempotency_key="same"))
        with self.assertRaisesRegex(TypeError, "no option 'held'"):
            next(self.client.submit_many([], held=True))
        with self.assertRaisesRegex(TypeError, "no option 'held'"):
            Submission(shell("true"), held=True)
        with RainbowClient(config_file=self.server.config, key="wrong-secret") as nobody:
            with self.assertRaisesRegex(UnauthenticatedError, "key="):
                list(nobody.submit_many([shell("true")]))


class OverABreak(unittest.TestCase):
    def test_the_server_is_killed_in_the_middle(self):
        server = Server()
        self.addCleanup(server.end)
        os.environ.setdefault("XDG_CONFIG_HOME", server.folder)
        client = server.register()
        self.addCleanup(client.close)
        answered = []
        for answer in client.submit_many((Submission(shell("true"), name=f"{n}", hold=True) for n in range(40)), window=5):
            answered.append(answer.job)
            if len(answered) == 12:
                server.stop_server()
                server.serve()
        self.assertEqual([job.name for job in answered], [f"{n}" for n in range(40)])
        self.assertEqual(sorted(job.id for job in client.jobs()), sorted(job.id for job in answered))


if __name__ == "__main__":
    unittest.main()
