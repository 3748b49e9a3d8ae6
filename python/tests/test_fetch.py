"""A fetch that breaks off goes on where it was, in the same process and in the next; nothing is half there."""

import asyncio
import hashlib
import os
import re
import subprocess
import sys
import tempfile
import threading
import unittest

from rainbow_queue import (
    AbortedError,
    AlreadyExistsError,
    AsyncRainbowClient,
    FailedPreconditionError,
    InternalError,
    RainbowClient,
)
from rainbow_queue.fetching import Fetching
from rainbow_queue.protos.v1 import files_pb2

from line import Line
from server import WithServer, eventually, shell

SIZE = 500_000
NAMES = [f"out/{n}" for n in range(6)]
# Of all of them: two are whole by then, and never all.
SOME = 1_400_000


class Resumed(WithServer):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        script = f"mkdir out; for n in 0 1 2 3 4 5; do head -c {SIZE} /dev/urandom > out/$n; done"
        cls.job = cls.client.submit(shell(script), stage_out=["out"]).job
        cls.client.wait(cls.job, timeout=60)

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.to = os.path.join(os.path.realpath(folder.name), "results")
        self.aside = os.path.join(self.to, f".rainbow-fetch-{self.job.id}")
        self.line = Line(self.server.port)
        self.addCleanup(self.line.close)

    def whole(self):
        there = os.listdir(self.aside) if os.path.isdir(self.aside) else []
        return [name for name in there if re.fullmatch(r"[0-9a-f]{64}", name)]

    def some_came(self):
        eventually(lambda: len(self.whole()) >= 2, "two contents are whole")
        self.assertEqual([name for name in os.listdir(self.to) if not name.startswith(".")], [])

    def assert_all(self, fetched):
        self.assertEqual(sorted(fetched.written), NAMES)
        self.assertEqual([os.path.getsize(os.path.join(self.to, name)) for name in NAMES], [SIZE] * 6)
        self.assertEqual(os.listdir(self.to), ["out"])
        self.assertLess(self.line.came, 4.5 * SIZE, "what had come did not come again")

    def test_over_a_break(self):
        def blocking():
            with RainbowClient(host=self.line.host, config_file=self.server.config) as client:
                return client.fetch(self.job, self.to)

        async def awaited():
            async with AsyncRainbowClient(host=self.line.host, config_file=self.server.config) as client:
                return await client.fetch(self.job, self.to)

        for act in (blocking, lambda: asyncio.run(awaited())):
            self.line.cut()
            self.line.most = SOME
            got = []
            thread = threading.Thread(target=lambda: got.append(act()), daemon=True)
            thread.start()
            self.some_came()
            self.line.cut()
            thread.join(240)
            self.assert_all(got[0])
            for name in NAMES:
                os.unlink(os.path.join(self.to, name))
            os.rmdir(os.path.join(self.to, "out"))

    def test_in_the_next_process(self):
        self.line.most = SOME
        script = "import sys; from rainbow_queue import RainbowClient as C; C(sys.argv[1], sys.argv[2]).fetch(sys.argv[3], sys.argv[4])"
        program = [sys.executable, "-c", script, self.line.host, self.server.config, str(self.job.id), self.to]
        with subprocess.Popen(program) as process:
            try:
                self.some_came()
            finally:
                process.kill()
        # What was on its way, and what was spoiled meanwhile, is not taken for whole.
        spoiled, *_ = self.whole()
        with open(os.path.join(self.aside, spoiled), "r+b") as file:
            file.write(b"spoiled")
        self.line.cut()
        with RainbowClient(host=self.line.host, config_file=self.server.config) as client:
            fetched = client.fetch(self.job, self.to)
        self.line.came -= SIZE
        self.assert_all(fetched)

    def test_cancelled_and_asked_for_again(self):
        async def story():
            async with AsyncRainbowClient(host=self.line.host, config_file=self.server.config) as client:
                self.line.most = SOME
                task = asyncio.ensure_future(client.fetch(self.job, self.to))
                while len(self.whole()) < 2:
                    await asyncio.sleep(0.02)
                task.cancel()
                with self.assertRaises(asyncio.CancelledError):
                    await task
                self.line.cut()
                return await client.fetch(self.job, self.to)

        self.assert_all(asyncio.run(asyncio.wait_for(story(), 240)))


def entry(path, data=b"abc", **other):
    fields = {"path": path, "size": len(data), "sha256": hashlib.sha256(data).hexdigest(), **other}
    return files_pb2.FileEntry(**fields)


def piece(data, of=None):
    return files_pb2.DownloadFilesResponse(sha256=of or hashlib.sha256(data).hexdigest(), data=data)


class WhatAServerSays(unittest.TestCase):
    """By what it answers: files come from nobody's good will."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.to = os.path.realpath(folder.name)

    def fetching(self, *entries):
        files = Fetching(7, 0, self.to)
        self.addCleanup(files.end)
        files.list_request()
        files.listed(files_pb2.ListFilesResponse(files=entries, epoch=2))
        files.look()
        files.download_request()
        return files

    def fetched(self, contents):
        """From the first byte to the last, by path: each is there, as the answer says."""
        files = self.fetching(*(entry(path, data) for path, data in contents.items()))
        for data in sorted(set(contents.values())):
            files.came(piece(data))
        self.assertEqual(files.placed().written, list(contents))
        files.end()
        for path, data in contents.items():
            self.assertEqual(self.read(path), data)

    def broke_off(self):
        """One content came whole, and not the other. Answers where it is kept."""
        files = self.fetching(entry("a"), entry("b", b"b"))
        files.came(piece(b"abc"))
        files.end()
        return os.path.join(self.to, ".rainbow-fetch-7")

    def read(self, path):
        with open(os.path.join(self.to, path), "rb") as file:
            return file.read()

    def write(self, path, data):
        with open(os.path.join(self.to, path), "wb") as file:
            file.write(data)

    def test_a_digest_leads_nowhere_else(self):
        for wrong in ({"sha256": "../" * 30 + "tmp/x"}, {"sha256": "A" * 64}, {"sha256": ""}, {"size": -1}):
            with self.assertRaisesRegex(InternalError, "digest or size that is none"):
                self.fetching(entry("a", **wrong))
        self.assertEqual(os.listdir(self.to), [])

    def test_bytes_that_are_not_those_asked_for(self):
        digest = entry("a").sha256
        for data in (b"abd", b"abcd"):
            files = self.fetching(entry("a"))
            with self.assertRaisesRegex(AbortedError, "other bytes"):
                files.came(piece(data, digest))
            files.end()
        files = self.fetching(entry("a"))
        with self.assertRaisesRegex(InternalError, "nobody asked for"):
            files.came(piece(b"else"))
        files.came(piece(b"ab", digest))
        self.assertEqual(files.lacking(), 1)
        self.assertRegex(str(files.unfinished()), "^a did not come whole")
        files.end()
        self.assertEqual(os.listdir(self.to), [], "nothing came, and nothing is left")

    def test_a_list_that_comes_twice_counts_once(self):
        files = Fetching(7, 0, self.to)
        self.addCleanup(files.end)
        for _ in range(2):
            files.list_request()
            files.listed(files_pb2.ListFilesResponse(files=[entry("a"), entry("b")], epoch=2))
        files.look()
        files.came(piece(b"abc"))
        self.assertEqual(files.placed().written, ["a", "b"])

    def test_two_at_once_have_a_folder_each(self):
        one, other = self.fetching(entry("a"), entry("b", b"b")), self.fetching(entry("a"), entry("b", b"b"))
        for files in (one, other):
            files.came(piece(b"abc"))
            files.came(piece(b"b"))
        self.assertEqual(one.placed().written, ["a", "b"])
        self.assertEqual(other.placed().written, [], "they are there")
        one.end()
        other.end()
        self.assertEqual(sorted(os.listdir(self.to)), ["a", "b"])

    def test_what_lies_in_the_folder_aside_is_looked_at(self):
        digest = entry("a").sha256
        aside = self.broke_off()
        with open(os.path.join(self.to, "mine"), "wb") as file:
            file.write(b"abc")
        os.unlink(os.path.join(aside, digest))
        os.symlink(os.path.join(self.to, "mine"), os.path.join(aside, digest))
        files = self.fetching(entry("a"))
        self.assertEqual(files.lacking(), 1, "a link is nobody's content")
        files.came(piece(b"abc"))
        self.assertEqual(files.placed().written, ["a"])
        files.end()
        os.unlink(os.path.join(self.to, "a"))
        # Where others may write, it is left alone.
        os.mkdir(aside, 0o700)
        os.chmod(aside, 0o777)
        with open(os.path.join(aside, digest), "wb") as file:
            file.write(b"abc")
        files = self.fetching(entry("a"))
        self.assertEqual(files.lacking(), 1)
        files.end()
        self.assertEqual(sorted(os.listdir(self.to)), [".rainbow-fetch-7", "mine"])
        self.assertEqual(os.listdir(aside), [digest])

    def test_what_came_to_be_there_meanwhile(self):
        files = self.fetching(entry("a"))
        files.came(piece(b"abc"))
        self.write("a", b"mine")
        with self.assertRaisesRegex(AlreadyExistsError, "came to be there meanwhile"):
            files.placed()
        self.assertEqual(self.read("a"), b"mine")

    def test_files_of_the_folders_name(self):
        digest = entry("b", b"b").sha256
        for inside in ("log", "one", "coming", "made-by", digest, "rainbow-fetch.one"):
            self.fetched({f".rainbow-fetch-7/{inside}": b"mine " + inside.encode(), f"{inside} b": b"b"})
        # Once they are there, and the folder is theirs, a fetch of others leaves them alone.
        self.fetched({"else": b"else"})
        self.assertEqual(len(os.listdir(os.path.join(self.to, ".rainbow-fetch-7"))), 6)
        self.assertEqual([name for name in os.listdir(self.to) if name.startswith(".rainbow-fetch-7.")], [])

    def test_its_name_in_other_letters(self):
        # Where a file system takes no heed of case they are one.
        files = self.fetching(entry(".Rainbow-Fetch-7/log", b"log"), entry("a"))
        self.assertEqual(os.listdir(self.to), [".rainbow-fetch-7.2"])
        files.end()
        self.fetched({".Rainbow-Fetch-7/log": b"log", "a": b"abc"})

    def test_a_file_of_the_folders_name(self):
        self.fetched({".rainbow-fetch-7": b"mine", ".rainbow-fetch-7.2": b"mine too", "b": b"b"})
        self.assertEqual(sorted(os.listdir(self.to)), [".rainbow-fetch-7", ".rainbow-fetch-7.2", "b"])

    def test_a_folder_of_its_name_that_is_not_its_own(self):
        os.mkdir(os.path.join(self.to, ".rainbow-fetch-7"), 0o755)
        for name in ("notes.txt", "rainbow-fetch.one", "made-by", entry("a").sha256):
            self.write(f".rainbow-fetch-7/{name}", b"mine")
        self.fetched({"a": b"abc"})
        self.assertEqual(len(os.listdir(os.path.join(self.to, ".rainbow-fetch-7"))), 4)
        # Beside it one goes on all the same.
        os.unlink(os.path.join(self.to, "a"))
        self.broke_off()
        files = self.fetching(entry("a"), entry("b", b"b"))
        self.assertEqual(files.lacking(), 1)
        files.came(piece(b"b"))
        files.placed()
        files.end()
        self.assertEqual(sorted(os.listdir(self.to)), [".rainbow-fetch-7", "a", "b"])

    def test_what_others_put_into_the_folder_aside(self):
        aside = self.broke_off()
        self.assertEqual(os.stat(aside).st_mode & 0o777, 0o700)
        self.write(".rainbow-fetch-7/notes.txt", b"mine")
        os.mkdir(os.path.join(aside, "more"))
        files = self.fetching(entry("a"), entry("b", b"b"))
        self.assertEqual(files.lacking(), 1)
        files.came(piece(b"b"))
        self.assertEqual(files.placed().written, ["a", "b"])
        files.end()
        self.assertEqual(sorted(os.listdir(aside)), ["more", "notes.txt"])

    def test_nothing_is_fetched_into_what_another_fetch_keeps(self):
        kept = self.broke_off()
        there = sorted(os.listdir(kept))
        digest = entry("a").sha256
        for to, path in ((self.to, f".rainbow-fetch-7/{digest}"), (self.to, ".rainbow-fetch-7/x/y"), (kept, "x")):
            files = Fetching(8, 0, to)
            self.addCleanup(files.end)
            files.listed(files_pb2.ListFilesResponse(files=[entry(path, b"other")], epoch=1))
            with self.assertRaisesRegex(AlreadyExistsError, "rainbow-fetch-7 is where a fetch keeps what has come"):
                files.look()
        self.assertEqual(sorted(os.listdir(kept)), there)
        self.assertEqual(os.listdir(self.to), [".rainbow-fetch-7"])

    def test_names_that_cannot_be_had_here(self):
        long = "x" * 300
        for path in (long, f"new/{long}", f"{long}/a", "/".join(["deep"] * 1000)):
            with self.assertRaisesRegex(FailedPreconditionError, "nothing was fetched: .*cannot be written here"):
                self.fetching(entry("a"), entry(path))
        self.assertEqual(os.listdir(self.to), [])

    def test_what_cannot_be_put_in_its_place_is_kept(self):
        files = self.fetching(entry("a/b"), entry("c", b"c"))
        files.came(piece(b"abc"))
        files.came(piece(b"c"))
        self.write("a", b"mine")
        with self.assertRaisesRegex(AlreadyExistsError, "a is no folder here"):
            files.placed()
        files.end()
        os.unlink(os.path.join(self.to, "a"))
        # Two files of which one would be the other's folder: no server should say so.
        files = self.fetching(entry("c", b"c"), entry("c/b", b"abc"))
        self.assertEqual(files.lacking(), 0)
        with self.assertRaises(AlreadyExistsError):
            files.placed()
        files.end()
        files = self.fetching(entry("d/b"))
        self.assertEqual(files.lacking(), 0)


if __name__ == "__main__":
    unittest.main()
