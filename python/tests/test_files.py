"""Files that travel with a job, and what may be lost of it."""

import asyncio
import json
import os
import tempfile
import unittest

from rainbow_queue import (
    AbortedError,
    AlreadyExistsError,
    AsyncRainbowClient,
    FailedPreconditionError,
    InternalError,
    InvalidInputError,
    RainbowClient,
    Submission,
)
from rainbow_queue.fetching import Fetching
from rainbow_queue.jobspec import jobspec_lossy
from rainbow_queue.protos.v1 import files_pb2

from server import WithServer, shell


class Files(WithServer):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = os.path.realpath(folder.name)
        os.mkdir(self.path("data"))
        self.write("model.py", "one\n")
        self.write("data/large", "0123456789" * 100_000)
        self.write("data/empty", "")
        os.chmod(self.path("model.py"), 0o755)

    def path(self, name):
        return os.path.join(self.folder, name)

    def write(self, name, text):
        with open(self.path(name), "w") as file:
            file.write(text)

    def test_they_go_along(self):
        script = "cat model.py; test -x model.py && wc -c < data/large; cat data/empty; ls"
        staged = [self.path("model.py"), self.path("data")]
        # Twice: the second time they are there.
        for _ in range(2):
            job = self.client.submit(shell(script), stage_in=staged, stage_out=["*.py"]).job
            self.assertEqual(self.client.wait(job, timeout=60).state, "completed")
            self.assertEqual(self.client.output(job).split(), ["one", "1000000", "data", "model.py"])

        async def story():
            self.write("model.py", "two\n")
            async with AsyncRainbowClient(config_file=self.server.config, key="rbu_" + "f" * 43) as client:
                job = (await client.submit(shell("ls; cat model.py"), stage_in=[self.folder + "/"])).job
                await client.wait(job, timeout=60)
                self.assertEqual((await client.output(job)).split(), ["data", "model.py", "two"])

        asyncio.run(story())

    def test_what_is_gone_before_the_job_comes_is_sent_again(self):
        """Others may need its room meanwhile; here it is lost on its way."""
        uploads = files_pb2.UploadFilesResponse

        class Losing(RainbowClient):
            lost = 0

            def _call(self, call):
                if call.answer is uploads and self.lost > 0:
                    self.lost -= 1
                    return uploads()
                return super()._call(call)

        class AsyncLosing(AsyncRainbowClient):
            lost = 0

            async def _call(self, call):
                if call.answer is uploads and self.lost > 0:
                    self.lost -= 1
                    return uploads()
                return await super()._call(call)

        def job(word):
            self.write("model.py", word)
            return shell("cat model.py"), [self.path("model.py")]

        def printed(answer):
            self.client.wait(answer.job, timeout=60)
            return self.client.output(answer.job)

        async def story():
            async with AsyncLosing(config_file=self.server.config) as client:
                client.lost = 1
                what, files = job("three")
                self.assertEqual(printed(await client.submit(what, stage_in=files)), "three")
                client.lost = 1
                what, files = job("four")
                answers = [each async for each in client.submit_many([what, what], stage_in=files)]
                self.assertEqual([printed(each) for each in answers], ["four", "four"])

        with Losing(config_file=self.server.config) as client:
            client.lost = 2
            what, files = job("one")
            self.assertEqual(printed(client.submit(what, stage_in=files)), "one")
            client.lost = 2
            what, files = job("two")
            answers = list(client.submit_many([Submission(what, stage_in=files), shell("echo no files")]))
            self.assertEqual([printed(each) for each in answers], ["two", "no files\n"])
            client.lost = 9
            what, files = job("never")
            with self.assertRaisesRegex(AbortedError, "are not here, or not any more"):
                client.submit(what, stage_in=files)
            client.lost = 9
            (answer,) = client.submit_many([what], stage_in=files)
            self.assertIsInstance(answer, AbortedError)
        asyncio.run(story())

    def test_they_come_back(self):
        script = "mkdir -p out/deep; printf abc > out/deep/a; printf abc > out/b; : > out/empty; chmod 755 out/b"
        job = self.client.submit(shell(script), stage_out=["out", "none*"]).job
        self.assertEqual(self.client.wait(job, timeout=60).state, "completed")
        to = self.path("results")
        self.assertEqual(sorted(self.client.fetch(job, to).written), ["out/b", "out/deep/a", "out/empty"])
        with open(os.path.join(to, "out/deep/a")) as file:
            self.assertEqual(file.read(), "abc")
        self.assertTrue(os.access(os.path.join(to, "out/b"), os.X_OK))
        self.assertEqual(os.listdir(to), ["out"])
        again = self.client.fetch(job.id, to)
        self.assertEqual((again.attempt, len(again.files), again.written), (1, 3, []), "they are there")
        self.assertEqual(len(again.notes), 1)
        self.assertIn("none*", again.notes[0])
        self.write("results/out/b", "mine")
        with self.assertRaisesRegex(AlreadyExistsError, "something else is at"):
            self.client.fetch(job, to)

        async def story():
            async with AsyncRainbowClient(config_file=self.server.config) as client:
                return await client.fetch(job, self.path("others"))

        self.assertEqual(len(asyncio.run(story()).written), 3)
        os.mkdir(self.path("trap"))
        os.symlink(self.folder, self.path("trap/out"))
        with self.assertRaisesRegex(AlreadyExistsError, "is no folder here"):
            self.client.fetch(job, self.path("trap"))
        self.assertEqual(os.listdir(self.path("trap")), ["out"])

    def test_its_own_files_of_the_name_of_the_folder_aside(self):
        script = "f=.rainbow-fetch-$RAINBOW_JOB_ID; mkdir $f; echo mine > $f/log; echo b > b"
        job = self.client.submit(shell(script), stage_out=[".rainbow-fetch-*", "b"]).job
        self.assertEqual(self.client.wait(job, timeout=60).state, "completed")
        names = [f".rainbow-fetch-{job.id}/log", "b"]

        async def story():
            async with AsyncRainbowClient(config_file=self.server.config) as client:
                return await client.fetch(job, self.path("others"))

        for to, fetched in (("results", self.client.fetch(job, self.path("results"))), ("others", asyncio.run(story()))):
            self.assertEqual(sorted(fetched.written), names)
            with open(self.path(f"{to}/{names[0]}")) as file:
                self.assertEqual(file.read(), "mine\n")
            self.assertEqual(sorted(os.listdir(self.path(to))), [names[0].split("/")[0], "b"])

    def test_of_an_array_task_by_task(self):
        tasks = self.client.submit(shell("true"), array="2-3", stage_out=["out"], hold=True).job
        self.addCleanup(self.client.cancel, tasks)
        with self.assertRaisesRegex(FailedPreconditionError, rf"name one of them by its index, as in {tasks.id}\[2\]"):
            self.client.fetch(tasks, self.path("results"))

    def test_into_what_is_no_folder(self):
        with self.assertRaisesRegex(AlreadyExistsError, "model.py is no folder"):
            Fetching(1, 0, self.path("model.py"))
        files = Fetching(1, 0, self.path("model.py/deeper"))
        with self.assertRaisesRegex(AlreadyExistsError, "model.py.* is no folder"):
            files.look()

    def test_a_server_leads_nowhere_else(self):
        files = Fetching(1, 0, self.path("x"))
        self.addCleanup(files.end)
        for path in ("../a", "/a", "a/../b", "a//b", ""):
            files.listed(files_pb2.ListFilesResponse(files=[files_pb2.FileEntry(path=path, sha256="a" * 64)]))
            with self.assertRaisesRegex(InternalError, "leads out"):
                files.look()
            files._entries.clear()

    def test_what_cannot_go_along(self):
        os.symlink("/etc/passwd", self.path("data/out"))
        for wrong, said in (
            ([self.path("nothing")], "there is no file or folder"),
            ([self.path("data")], "leads out of"),
            (["/dev/null"], "no plain file"),
        ):
            with self.assertRaisesRegex(InvalidInputError, said):
                self.client.submit(shell("true"), stage_in=wrong)
        with self.assertRaisesRegex(InvalidInputError, "has the part"):
            self.client.submit(shell("true"), stage_out=["../x"])
        with self.assertRaisesRegex(TypeError, "give a list"):
            self.client.submit(shell("true"), stage_in=self.path("data"))


class Lossy(unittest.TestCase):
    def test_the_jobspec_says_so_and_is_the_same_otherwise(self):
        text = "version: 1\nattributes: {system: {environment: {A: on, B: 1:30, C: 010, D: 1e3, E: null, F: 2024-01-01}}}\n"
        read = json.loads(jobspec_lossy(text))
        self.assertEqual(read["attributes"]["rainbow"], {"allowLossy": True})
        said = {"A": "on", "B": "1:30", "C": 10, "D": 1000.0, "E": None, "F": "2024-01-01"}
        self.assertEqual(read["attributes"]["system"]["environment"], said)
        with self.assertRaisesRegex(InvalidInputError, "needs maps"):
            jobspec_lossy("version: 1\nattributes: {rainbow: 5}\n")


if __name__ == "__main__":
    unittest.main()
