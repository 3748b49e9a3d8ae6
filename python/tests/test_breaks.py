"""What a server that stops and comes back does to those who ask and wait."""

import os
import queue
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
        waited = beside(lambda: self.client.wait(job.id, timeout=120))
        read = beside(lambda: "".join(piece.text for piece in self.client.logs(job.id, follow=True)))
        watched = beside(lambda: list(self.client.events(job.id, follow=True)))
        self.server.stop_server()
        submitted = beside(lambda: self.client.submit(shell("true"), name="second"))
        self.server.serve()
        second = submitted()
        self.client.job(job.id)
        # An orderly stop ends streams without an error.
        self.server.stop_server(signal.SIGTERM)
        self.server.serve()
        open(go, "w").close()
        self.assertEqual(waited().state, "completed")
        self.assertEqual(read(), "before\nafter\n")
        events = watched()
        numbers = [event.seq for event in events]
        self.assertEqual(numbers, sorted(set(numbers)))
        self.assertEqual(events, list(self.client.events(job.id)))
        self.assertEqual([each.id for each in self.client.jobs(name="second")], [second.job.id])


def beside(act):
    """Does it in a thread of its own; answers how to get what came of it, or the error that it ended with."""
    outcome = queue.Queue()

    def run():
        try:
            outcome.put((act(), None))
        except Exception as error:
            outcome.put((None, error))

    threading.Thread(target=run, daemon=True).start()

    def result():
        value, error = outcome.get(timeout=240)
        if error is not None:
            raise error
        return value

    return result


if __name__ == "__main__":
    unittest.main()
