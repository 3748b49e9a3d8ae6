"""Runs every test in this folder and prints one line, RESULTS and what became of each, as JSON."""

import json
import os
import unittest

# The tests start programs while channels are open; their children have nothing to do with gRPC.
os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "0")


class Results(unittest.TestResult):
    def __init__(self):
        super().__init__()
        self.ran = []

    def note(self, test, outcome, why=""):
        self.ran.append({"id": test.id(), "outcome": outcome, "why": why})

    def addSuccess(self, test):
        self.note(test, "ok")

    def addError(self, test, err):
        self.note(test, "error", self._exc_info_to_string(err, test))

    def addFailure(self, test, err):
        self.note(test, "failed", self._exc_info_to_string(err, test))

    def addSkip(self, test, reason):
        self.note(test, "skipped", reason)


results = Results()
unittest.defaultTestLoader.discover(os.path.dirname(os.path.abspath(__file__))).run(results)
print("RESULTS " + json.dumps(results.ran))
