"""Which server is asked, how, and what is said where none answers."""

import asyncio
import os
import socket
import tempfile
import threading
import time
import unittest
from unittest import mock

import grpc
from rainbow_queue import AsyncRainbowClient, InvalidInputError, RainbowClient, Tls, UnavailableError, UnimplementedError
from rainbow_queue.errors import CallFacts, error_of

from server import Server

# Paths of ca, cert and key, made by who runs these tests.
CERTIFICATES = [os.environ.get("RAINBOW_TEST_" + name) for name in ("CA", "CERT", "KEY")]


class Order(unittest.TestCase):
    def setUp(self):
        self.folder = self.enter(tempfile.TemporaryDirectory())
        kept = {name: value for name, value in os.environ.items() if not name.startswith("RAINBOW_")}
        self.enter(mock.patch.dict(os.environ, {**kept, "XDG_CONFIG_HOME": self.folder}, clear=True))

    def enter(self, context):
        self.addCleanup(context.__exit__, None, None, None)
        return context.__enter__()

    def host(self, *args, **named):
        with RainbowClient(*args, **named) as client:
            return client.host

    def write(self, name, host):
        path = os.path.join(self.folder, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w") as file:
            file.write(f"graphdatabase: {{name: memory, options: {{host: '{host}'}}}}\n")
        return path

    def test_argument_over_environment_over_configuration_over_default(self):
        self.assertEqual(self.host(), "localhost:50051")
        self.write("rainbow/config.yaml", "own:1")
        self.assertEqual(self.host(), "own:1")
        named = self.write("named.yaml", "named:1")
        self.assertEqual(self.host(config_file=named), "named:1")
        os.environ["RAINBOW_CONFIG"] = self.write("environment.yaml", "file:1")
        self.assertEqual(self.host(), "file:1")
        self.assertEqual(self.host(config_file=named), "named:1")
        os.environ["RAINBOW_HOST"] = "environment:1"
        self.assertEqual(self.host(config_file=named), "environment:1")
        self.assertEqual(self.host("argument:1", named), "argument:1")

    def test_a_file_that_is_named_has_to_be_there(self):
        nowhere = os.path.join(self.folder, "nope.yaml")
        for named in ({"config_file": nowhere}, {}):
            with self.assertRaisesRegex(InvalidInputError, "there is no configuration file .*nope.yaml; make one"):
                self.host(**named)
            os.environ["RAINBOW_CONFIG"] = nowhere

    def test_addresses(self):
        for given, read in ((":7", "localhost:7"), ("red", "red:50051"), ("[::1]:7", "[::1]:7")):
            self.assertEqual(self.host(given), read)
        for several in ("a:1, b:2,a:1", ["a:1", "b:2"], ("a:1,b:2",)):
            self.assertEqual(self.host(several), "a:1,b:2")
        os.environ["RAINBOW_HOST"] = "c:1,d"
        self.assertEqual(self.host(), "c:1,d:50051")
        for wrong in ("a:1,", "http://red:1", "red:0", "red:1:2", "red:99999", "a b"):
            with self.assertRaisesRegex(InvalidInputError, "no server address"):
                self.host(wrong)


    def test_a_list_in_the_file_says_what_does_it(self):
        for text in ("host: [a, b]", "graphdatabase: {host: [a]}", "graphdatabase: {options: {host: [a]}}"):
            path = os.path.join(self.folder, "list.yaml")
            with open(path, "w") as file:
                file.write(text)
            with self.assertRaisesRegex(InvalidInputError, "host must be text: .*commas"):
                self.host(config_file=path)


class Several(unittest.TestCase):
    """Two servers' addresses of which one is dead, refuses or swallows: the other is asked."""

    @classmethod
    def setUpClass(cls):
        cls.server = Server()
        cls.addClassCleanup(cls.server.end)

    def addresses(self):
        refusing, mute = socket.socket(), socket.socket()
        for each in (refusing, mute):
            each.bind(("127.0.0.1", 0))
            self.addCleanup(each.close)
        mute.listen(8)
        return ["127.0.0.1:%d" % each.getsockname()[1] for each in (refusing, mute)] + ["nowhere.invalid:1"]

    def test_the_next_is_asked(self):
        for bad in self.addresses():
            for keep in (lambda hosts, count: list(hosts), lambda hosts, count: list(reversed(hosts))):
                with mock.patch("random.sample", keep):
                    with RainbowClient(host=[bad, self.server.host], key="rbu_" + "x" * 43, timeout=20) as client:
                        self.assertEqual(client.server_info().store, "sqlite")
                        self.assertEqual(list(client.events()), [])

                    async def story():
                        hosts = f"{bad},{self.server.host}"
                        async with AsyncRainbowClient(host=hosts, key="rbu_" + "x" * 43, timeout=20) as client:
                            self.assertEqual([event async for event in client.events()], [])
                            self.assertEqual((await client.server_info()).store, "sqlite")

                    asyncio.run(story())

    def test_none_answers(self):
        refusing = self.addresses()[0]
        with RainbowClient(host=[refusing, refusing[:-1] + "0"], key="rbu_" + "x" * 43, timeout=1) as client:
            with self.assertRaisesRegex(UnavailableError, "no server answers at " + refusing + ","):
                client.clusters()


class NoServer(unittest.TestCase):
    def ask(self, host, **named):
        with RainbowClient(host=host, key="rbu_" + "x" * 43, **named) as client:
            with self.assertRaises(UnavailableError) as caught:
                client.clusters()
        return str(caught.exception)

    def listen(self, answer):
        """A port where everybody is answered with some bytes and hung up on."""
        listener = socket.socket()
        listener.bind(("127.0.0.1", 0))
        listener.listen(8)

        def serve():
            while True:
                try:
                    peer, _ = listener.accept()
                except OSError:
                    return
                with peer:
                    peer.recv(100)
                    peer.sendall(answer)

        threading.Thread(target=serve, daemon=True).start()
        self.addCleanup(listener.close)
        return "127.0.0.1:%d" % listener.getsockname()[1]

    def test_it_says_what_to_do(self):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            host = "127.0.0.1:%d" % free.getsockname()[1]
        said = self.ask(host, timeout=2)
        self.assertEqual(
            said,
            f"no server answers at {host}: start one with `rainbow serve`, or name another with host= or RAINBOW_HOST",
        )
        with socket.socket() as mute:
            mute.bind(("127.0.0.1", 0))
            mute.listen(8)
            silent = "127.0.0.1:%d" % mute.getsockname()[1]
            self.assertIn(f"nothing answers at {silent} within 1 s: check host and port", self.ask(silent, timeout=1))
        begun = time.monotonic()
        self.assertIn('host name in "nowhere.invalid:1" cannot be resolved', self.ask("nowhere.invalid:1"))
        self.assertIn("does not speak gRPC: check the port", self.ask(self.listen(b"HTTP/1.1 400 Bad Request\r\n\r\n")))
        self.assertLess(time.monotonic() - begun, 20, "what will not change is not waited for")
        with RainbowClient(host=host, timeout=1) as client:
            with self.assertRaises(grpc.RpcError) as caught:
                client.update_state("a", {}, "b")
        self.assertIn("start one with `rainbow serve`", str(caught.exception))
        self.assertEqual(caught.exception.code(), grpc.StatusCode.UNAVAILABLE)

    def test_what_the_library_says_of_older_and_other_programs(self):
        class Failed:
            def __init__(self, code, details):
                self.code, self.details = lambda: code, lambda: details

            def trailing_metadata(self):
                return ()

        facts = CallFacts("red:1", False, "rainbow.v1.JobService/Get", 60)
        old = error_of(Failed(grpc.StatusCode.UNIMPLEMENTED, "no such method"), facts)
        self.assertIsInstance(old, UnimplementedError)
        self.assertIn("an older Rainbow", str(old))
        late = error_of(Failed(grpc.StatusCode.DEADLINE_EXCEEDED, "Deadline Exceeded"), facts)
        self.assertIsInstance(late, TimeoutError)
        self.assertIn("did not answer within 60 s: it may still carry", str(late))


@unittest.skipUnless(all(CERTIFICATES), "needs certificates (RAINBOW_TEST_CA, _CERT, _KEY)")
class WithTls(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.ca, cls.cert, cls.key = CERTIFICATES
        cls.server = Server("--cert", cls.cert, "--key", cls.key)
        cls.addClassCleanup(cls.server.end)

    def info(self, timeout=10, **named):
        with RainbowClient(host=self.server.host, key="rbu_" + "x" * 43, timeout=timeout, **named) as client:
            return client.server_info()

    def test_trust_by_argument_and_environment(self):
        self.assertEqual(self.info(use_ssl=Tls(ca=self.ca)).store, "sqlite")
        self.assertEqual(self.info(use_ssl=Tls(ca=self.ca, cert=self.cert, key=self.key)).store, "sqlite")
        with mock.patch.dict(os.environ, {"RAINBOW_CA_CERT": self.ca}):
            self.assertEqual(self.info().store, "sqlite")
            with self.assertRaisesRegex(UnavailableError, "expect TLS"):
                self.info(use_ssl=False, timeout=2)

    def test_no_trust_says_so(self):
        with self.assertRaisesRegex(UnavailableError, "is not trusted: name who signed it with use_ssl=Tls"):
            self.info(use_ssl=True)
        with self.assertRaisesRegex(UnavailableError, "expect TLS"):
            self.info(timeout=2)
        with self.assertRaisesRegex(ValueError, "cert and key come together"):
            self.info(use_ssl=Tls(cert=self.cert))
        with self.assertRaises(OSError):
            self.info(use_ssl=Tls(ca="/nowhere.pem"))


if __name__ == "__main__":
    unittest.main()
