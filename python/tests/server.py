"""A real server and a real agent, started with the program in RAINBOW_BIN, on a free port."""

import atexit
import json
import os
import shutil
import signal
import subprocess
import tempfile
import time
import unittest

from rainbow_queue import RainbowClient
from rainbow_queue.config import RainbowConfig

BIN = os.environ["RAINBOW_BIN"]
SECRET = "the-servers-secret"


class Server:
    """One cluster, `red`, of one node with four cores; its agent runs processes."""

    def __init__(self, *more):
        self.folder = tempfile.mkdtemp(prefix="rainbow-python-")
        # An agent that root starts runs jobs as nobody, who has to reach their files.
        os.chmod(self.folder, 0o711)
        self.config = os.path.join(self.folder, "rainbow.yaml")
        self.env = {**os.environ, "XDG_CONFIG_HOME": self.folder, "XDG_STATE_HOME": self.folder, "HOME": self.folder}
        self.env.pop("RAINBOW_KEY", None)
        self.more = more
        self.port = "0"
        self.processes = []
        self.serve()

    @property
    def host(self):
        return "127.0.0.1:" + self.port

    def serve(self):
        """Starts it, the second time on the same port and database."""
        database = os.path.join(self.folder, "rainbow.db")
        args = ["serve", "--host", "127.0.0.1:" + self.port, "--db", database, "--secret", SECRET, "--json"]
        self.server = self.spawn(*args, *self.more)
        line = json.loads(self.server.stdout.readline())
        self.port = str(line["port"])

    def register(self):
        """The cluster, its tokens in the configuration, and its agent. Answers a client that knows them."""
        self.graph = os.path.join(self.folder, "red.json")
        self.rainbow("graph", "generate", "--name", "red", "--nodes", "1", "--cores", "4", "-o", self.graph)
        with RainbowClient(host=self.host) as client:
            answer = client.register("red", SECRET, self.graph)
        self.token, self.secret = answer.token, answer.secret
        cfg = RainbowConfig(self.config)
        cfg.cfg.update(host=self.host, cluster={"name": "red", "secret": self.secret})
        cfg.add_cluster("red", self.token)
        cfg.save_yaml(self.config)
        state = os.path.join(self.folder, "agent")
        self.spawn(
            "agent", "--config-path", self.config, "--cluster-name", "red", "--state-dir", state, "--graph", self.graph
        )
        client = RainbowClient(config_file=self.config)
        eventually(lambda: client.cluster("red").connected, "the agent is connected")
        return client

    def spawn(self, *args):
        process = subprocess.Popen(
            [BIN, *args], env=self.env, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        self.processes.append(process)
        return process

    def stop_server(self, how=signal.SIGKILL):
        self.server.send_signal(how)
        self.server.wait(30)

    def rainbow(self, *args):
        done = subprocess.run([BIN, *args], env=self.env, capture_output=True, text=True, timeout=60)
        if done.returncode != 0:
            raise AssertionError(f"rainbow {' '.join(args)}: {done.stderr}")
        return done.stdout

    def end(self):
        for process in reversed(self.processes):
            if process.poll() is None:
                process.terminate()
        for process in self.processes:
            process.wait(30)
            process.stdout.close()
        shutil.rmtree(self.folder, ignore_errors=True)


class Shared:
    """The server of all tests that leave it as it was."""

    server = None
    client = None


class WithServer(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        if Shared.server is None:
            Shared.server = Server()
            atexit.register(Shared.server.end)
            os.environ["XDG_CONFIG_HOME"] = Shared.server.folder
            Shared.client = Shared.server.register()
            atexit.register(Shared.client.close)
        cls.server, cls.client = Shared.server, Shared.client

    def other(self, name="x", **more):
        """A client of somebody else's."""
        client = RainbowClient(config_file=self.server.config, key="rbu_" + (name * 43)[:43], **more)
        self.addCleanup(client.close)
        return client

    def operator(self):
        client = RainbowClient(host=self.server.host, key=SECRET)
        self.addCleanup(client.close)
        return client


def shell(script, cores=1, **system):
    resources = {"type": "core", "count": cores}
    return {
        "version": 1,
        "resources": [{"type": "slot", "count": 1, "label": "task", "with": [resources]}],
        "tasks": [{"command": ["sh", "-c", script], "slot": "task", "count": {"per_slot": 1}}],
        "attributes": {"system": {"duration": 60, **system}},
    }


def eventually(condition, what, seconds=30):
    until = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > until:
            raise AssertionError(f"not in {seconds} s: {what}")
        time.sleep(0.02)
