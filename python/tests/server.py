"""A real server and a real agent, started with the program in RAINBOW_BIN, on a free port."""

import json
import os
import shutil
import signal
import subprocess
import tempfile
import time

BIN = os.environ["RAINBOW_BIN"]
SECRET = "the-servers-secret"


class Server:
    """One cluster, `red`, of one node with four cores; its agent runs processes."""

    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="rainbow-python-")
        # An agent that root starts runs jobs as nobody, who has to reach their files.
        os.chmod(self.folder, 0o711)
        self.config = os.path.join(self.folder, "rainbow.yaml")
        self.env = {**os.environ, "XDG_CONFIG_HOME": self.folder, "XDG_STATE_HOME": self.folder, "HOME": self.folder}
        self.env.pop("RAINBOW_KEY", None)
        self.port = "0"
        self.processes = []
        self.serve()
        self.rainbow("config", "init", "--config-path", self.config, "--host", self.host)
        self.graph = os.path.join(self.folder, "red.json")
        self.rainbow("graph", "generate", "--name", "red", "--nodes", "1", "--cores", "4", "-o", self.graph)

    @property
    def host(self):
        return "127.0.0.1:" + self.port

    def serve(self):
        """Starts it, the second time on the same port and database."""
        database = os.path.join(self.folder, "rainbow.db")
        args = ["serve", "--host", "127.0.0.1:" + self.port, "--db", database, "--secret", SECRET, "--json"]
        self.server = self.spawn(*args)
        line = json.loads(self.server.stdout.readline())
        self.port = str(line["port"])

    def agent(self):
        state = os.path.join(self.folder, "agent")
        return self.spawn(
            "agent", "--config-path", self.config, "--cluster-name", "red", "--state-dir", state, "--graph", self.graph
        )

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


def eventually(condition, what, seconds=30):
    until = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > until:
            raise AssertionError(f"not in {seconds} s: {what}")
        time.sleep(0.02)
