"""What needs no server: configuration, jobspecs, the user key, streams."""

import dataclasses
import os
import stat
import tempfile
import threading
import unittest
from datetime import datetime, timezone
from pathlib import Path

from rainbow_queue import InvalidInputError, answers, config, jobspec, streams, user_key
from rainbow_queue.answers.convert import value_of
from rainbow_queue.protos.v1 import bid_pb2, clusters_pb2, groups_pb2, job_pb2, jobs_pb2, server_pb2


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
        with self.assertRaisesRegex(ValueError, "is a folder: name the configuration file"):
            config.RainbowConfig(self.folder)
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
        # A comment does not make it a script.
        kept = "#!/usr/bin/env x\nversion: 1\n"
        self.assertEqual(jobspec.jobspec_text(kept), kept)
        for text, option in (
            ("#!/bin/sh\n#SBATCH -n 2\nhostname\n", "--batch"),
            ("apiVersion: batch/v1\nkind: Job\nmetadata:\n  labels:\n    version: v1\n", "--kubernetes"),
            ('{"apiVersion": "batch/v1", "kind": "Job"}', "--kubernetes"),
        ):
            with tempfile.NamedTemporaryFile("w") as file:
                file.write(text)
                file.flush()
                with self.assertRaisesRegex(InvalidInputError, f"{file.name} is .*: Python takes jobspecs; .*{option} {file.name}"):
                    jobspec.jobspec_text(file.name)
            with self.assertRaisesRegex(InvalidInputError, f"the jobspec is .*{option} FILE"):
                jobspec.jobspec_text(text)
        with self.assertRaisesRegex(ValueError, "no jobspec file nowhere.yaml"):
            jobspec.jobspec_text("nowhere.yaml")
            Path(file.name).write_bytes(b"\xff")
            with self.assertRaisesRegex(InvalidInputError, f"{file.name} is no text"):
                jobspec.jobspec_text(file.name)
        for wrong, said in (
            (".", r"^\. is a folder: name the jobspec file"),
            (Path("/"), "^/ is a folder"),
            ("", "is empty"),
            ("a\0b", "no path"),
            ("x" * 5000, "cannot be read"),
            ({"version": {1}}, "as JSON"),
        ):
            with self.assertRaisesRegex(InvalidInputError, said):
                jobspec.jobspec_text(wrong)
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

        def take(offset, data, stream=jobs_pb2.OUTPUT_STREAM_STDOUT, not_kept=0):
            chunk = jobs_pb2.OutputChunk(stream=stream, offset=offset, data=data, not_kept=not_kept)
            return [(piece.offset, piece.data, piece.not_kept) for piece in position.take(chunk)]

        self.assertEqual(take(0, b"abc"), [(0, b"abc", 0)])
        self.assertEqual(take(0, b"abc"), [])
        self.assertEqual(take(2, b"cde"), [(3, b"de", 0)])
        self.assertEqual(take(0, b"x", jobs_pb2.OUTPUT_STREAM_STDERR), [(0, b"x", 0)])
        self.assertEqual(take(5, b"", not_kept=4), [(5, b"", 4)])
        self.assertEqual(take(5, b"", not_kept=4), [])
        self.assertEqual(take(12, b"z"), [(9, b"", 3), (12, b"z", 0)])


class Answers(unittest.TestCase):
    def test_a_message_as_values(self):
        message = job_pb2.Job(id=7, state=job_pb2.JOB_STATE_RUNNING, on_cluster_loss=job_pb2.ON_CLUSTER_LOSS_FAIL)
        message.submitted_at.FromDatetime(datetime(2030, 1, 2))
        message.attempts.add(epoch=1, exit_code=0, state=99)
        message.array.counts.add(state=job_pb2.JOB_STATE_FAILED, tasks=2)
        job = value_of(answers.Job, message)
        self.assertEqual((job.id, job.state, job.on_cluster_loss, job.when_busy), (7, "running", "fail", ""))
        self.assertEqual(job.submitted_at, datetime(2030, 1, 2, tzinfo=timezone.utc))
        self.assertEqual((job.started_at, job.exit_code, job.retry, job.array_index), (None, None, None, None))
        # A state that this version does not know is its number.
        self.assertEqual((job.attempts[0].exit_code, job.attempts[0].state), (0, "99"))
        self.assertEqual(job.array.counts, [answers.StateCount("failed", 2)])
        window = clusters_pb2.MaintenanceWindow(reason="x")
        getattr(window, "from").FromSeconds(60)
        self.assertEqual(value_of(answers.MaintenanceWindow, window).from_.timestamp(), 60)

    def test_every_field_is_one_of_its_message(self):
        messages = {"NewGroup": "CreateGroupResponse", "Submitted": "SubmitResponse", "Explanation": "ExplainResponse"}
        messages.update(Matched="MatchResponse", Replay="ReplayResponse", Cost="BidCost", CostPart="BidCostPart")
        messages.update(Refusal="BidRefusal")
        of = {}
        for module in (bid_pb2, clusters_pb2, groups_pb2, job_pb2, jobs_pb2, server_pb2):
            of.update(module.DESCRIPTOR.message_types_by_name)
        for name in answers.__all__:
            kind = getattr(answers, name)
            if name not in ("Output", "Fetched") and dataclasses.is_dataclass(kind):
                fields = {field.name.rstrip("_") for field in dataclasses.fields(kind)}
                self.assertEqual(fields - set(of[messages.get(name, name)].fields_by_name), set(), name)


if __name__ == "__main__":
    unittest.main()
