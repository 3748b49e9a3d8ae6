"""What a server that stops and comes back does to those who ask and wait."""

import os
import signal
import threading
import unittest
from unittest import mock

from server import Server, eventually, shell


class Breaks(unittest.TestCase):
    def setUp(self):
        self.server = Server()
        self.addCleanup(self.server.end)
        here = mock.patch.dict(os.environ, {"XDG_CONFIG_HOME": self.server.folder})
        here.start()
        self.addCleanup(here.stop)
        self.client = self.server.register()
        self.addCleanup(self.client.close)

    def test_the_server_is_killed_and_stopped_while_one_waits_and_submits(self):
        go = os.path.join(self.server.folder, "go-on")
        job = self.client.submit(shell(f"echo before; while [ ! -e {go} ]; do sleep 0.05; done; echo after")).job
        eventually(lambda: self.client.job(job.id).state == "running", "it runs")
        outcome = {}

        def wait():
            outcome["job"] = self.client.wait(job.id, timeout=120)

        def read():
            outcome["text"] = "".join(piece.text for piece in self.client.logs(job.id, follow=True))

        def watch():
            outcome["events"] = list(self.client.events(job.id, follow=True))

        threads = [threading.Thread(target=each) for each in (wait, read, watch)]
        for each in threads:
            each.start()
        self.server.stop_server()
        submitting = threading.Thread(
            target=lambda: outcome.update(second=self.client.submit(shell("true"), name="second"))
        )
        submitting.start()
        self.server.serve()
        submitting.join(60)
        self.client.job(job.id)
        # An orderly stop ends streams without an error.
        self.server.stop_server(signal.SIGTERM)
        self.server.serve()
        open(go, "w").close()
        for each in threads:
            each.join(120)
        self.assertEqual(outcome["job"].state, "completed")
        self.assertEqual(outcome["text"], "before\nafter\n")
        numbers = [event.seq for event in outcome["events"]]
        self.assertEqual(numbers, sorted(set(numbers)))
        self.assertEqual(outcome["events"], list(self.client.events(job.id)))
        self.assertEqual([each.id for each in self.client.jobs(name="second")], [outcome["second"].job.id])


if __name__ == "__main__":
    unittest.main()
