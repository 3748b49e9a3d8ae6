"""What needs no server: configuration, jobspecs, the user key, streams."""

import os
import stat
import tempfile
import threading
import unittest
from pathlib import Path

from rainbow_queue import config, jobspec, streams, user_key
from rainbow_queue.protos.v1 import jobs_pb2


class Config(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def test_the_prototypes_file(self):
        path = os.path.join(self.folder, "rainbow.yaml")
        cfg = config.new_rainbow_config("localhost:1", "red", "secret")
        cfg._cfg["cluster"]["secret"] = "s"
        cfg.add_cluster("red", "token")
        with self.assertRaisesRegex(ValueError, "already exists"):
            cfg.add_cluster("red", "other")
        cfg.save_yaml(path)
        self.assertEqual(stat.S_IMODE(os.stat(path).st_mode), 0o600)
        again = config.RainbowConfig(path)
        self.assertEqual(again.host, "localhost:1")
        self.assertEqual(again.get_clusters(["red", "blue"]), [{"name": "red", "token": "token"}])
        self.assertEqual(again.get_clusters(["blue"]), [])
        again.set_selection_algorithm("constraint", {"priorities": "[]"})
        self.assertEqual(again.selection_algorithm_options, {"priorities": "[]"})
        again.remove_cluster("red")
        self.assertEqual(again.get_clusters(), [])

    def test_wrong_files_say_where(self):
        path = os.path.join(self.folder, "wrong.yaml")
        for text, said in (("- a\n", "mapping"), ("clusters: [7]\n", r"clusters\[0\]"), ("a: [", "no YAML")):
            Path(path).write_text(text)
            with self.assertRaisesRegex(ValueError, said):
                config.RainbowConfig(path)


class Jobspecs(unittest.TestCase):
    def test_every_form(self):
        simple = jobspec.simple_jobspec("echo 'to you'", nodes=2, tasks=3)
        self.assertEqual(simple["tasks"], [{"command": ["echo", "to you"], "resources": "echo"}])
        self.assertEqual(jobspec.jobspec_text("version: 1\n"), "version: 1\n")
        with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
            file.write("version: 1\n")
            file.flush()
            self.assertEqual(jobspec.jobspec_text(file.name), "version: 1\n")
            self.assertEqual(jobspec.jobspec_text(Path(file.name)), "version: 1\n")
        with self.assertRaisesRegex(ValueError, "no jobspec file nowhere.yaml"):
            jobspec.jobspec_text("nowhere.yaml")
        with self.assertRaises(TypeError):
            jobspec.jobspec_text(7)
        for wrong in ({"command": ""}, {"command": "x", "nodes": 0}):
            with self.assertRaises(ValueError):
                jobspec.simple_jobspec(**wrong)


class UserKey(unittest.TestCase):
    def test_of_many_that_begin_at_once_one_key_wins(self):
        with tempfile.TemporaryDirectory() as folder:
            before = {name: os.environ.pop(name, None) for name in ("RAINBOW_KEY", "XDG_CONFIG_HOME")}
            os.environ["XDG_CONFIG_HOME"] = folder
            try:
                keys = []
                threads = [threading.Thread(target=lambda: keys.append(user_key.user_key())) for _ in range(8)]
                for thread in threads:
                    thread.start()
                for thread in threads:
                    thread.join()
                self.assertEqual(len(set(keys)), 1)
                self.assertEqual(os.listdir(os.path.join(folder, "rainbow")), ["key"])
                os.environ["RAINBOW_KEY"] = "wrong"
                with self.assertRaisesRegex(ValueError, "RAINBOW_KEY holds no user key"):
                    user_key.user_key()
            finally:
                for name, value in before.items():
                    os.environ.pop(name, None)
                    if value is not None:
                        os.environ[name] = value


class Output(unittest.TestCase):
    def test_what_was_seen_before_a_break_is_not_repeated(self):
        position = streams.OutputPosition(1, 1, True)

        def take(offset, data, stream=jobs_pb2.OUTPUT_STREAM_STDOUT):
            piece = position.take(jobs_pb2.OutputChunk(stream=stream, offset=offset, data=data))
            return None if piece is None else (piece.offset, piece.data)

        self.assertEqual(take(0, b"abc"), (0, b"abc"))
        self.assertIsNone(take(0, b"abc"))
        self.assertEqual(take(2, b"cde"), (3, b"de"))
        self.assertEqual(take(0, b"x", jobs_pb2.OUTPUT_STREAM_STDERR), (0, b"x"))
        self.assertEqual(take(9, b""), (9, b""))


if __name__ == "__main__":
    unittest.main()
