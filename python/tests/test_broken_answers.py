"""A server that answers what no server should: every call ends, with an answer or with an error of ours."""

import asyncio
import os
import random
import tempfile
import unittest
from concurrent import futures

import grpc
from rainbow_queue import AsyncRainbowClient, RainbowClient, RainbowError
from rainbow_queue.protos.v1 import bid_pb2, clusters_pb2, files_pb2, groups_pb2, jobs_pb2, server_pb2

from server import shell

MODULES = (bid_pb2, clusters_pb2, files_pb2, groups_pb2, jobs_pb2, server_pb2)
SERVICES = [service for module in MODULES for service in module.DESCRIPTOR.services_by_name.values()]
FIRST = int(os.environ.get("RAINBOW_SEED", 1))
SEEDS = range(FIRST, FIRST + 12)
WHOLE = [0, 1, -1, 7, 2**31 - 1, -(2**31)]


def filled(kind, chance, depth=0):
    """A message of that kind with anything in it."""
    message = kind()
    for field in kind.DESCRIPTOR.fields:
        if chance.random() < 0.3 or depth > 5:
            continue
        repeated = hasattr(getattr(message, field.name), "extend")
        if field.message_type is not None and field.message_type.GetOptions().map_entry:
            continue
        for _ in range(chance.choice([0, 1, 2]) if repeated else 1):
            value = anything(field, chance, depth)
            if field.message_type is not None:
                getattr(message, field.name).add().CopyFrom(value) if repeated else getattr(
                    message, field.name
                ).CopyFrom(value)
            elif repeated:
                getattr(message, field.name).append(value)
            else:
                setattr(message, field.name, value)
    return message


def anything(field, chance, depth):
    if field.message_type is not None:
        return filled(field.message_type._concrete_class, chance, depth + 1)
    if field.cpp_type == field.CPPTYPE_STRING:
        return bytes(chance.choices(range(256), k=3)) if field.type == field.TYPE_BYTES else chance.choice(["", "x", "../ü", "a\0b"])
    if field.cpp_type == field.CPPTYPE_BOOL:
        return chance.random() < 0.5
    if field.cpp_type in (field.CPPTYPE_DOUBLE, field.CPPTYPE_FLOAT):
        return chance.choice([0.0, -1.5, float("nan"), float("inf")])
    unsigned = field.cpp_type in (field.CPPTYPE_UINT32, field.CPPTYPE_UINT64)
    long = field.cpp_type in (field.CPPTYPE_INT64, field.CPPTYPE_UINT64)
    value = chance.choice([*WHOLE, 2**62, -(2**62)] if long else WHOLE)
    return abs(value) if unsigned else value


class Broken(grpc.GenericRpcHandler):
    def __init__(self):
        self.chance = random.Random(0)

    def service(self, details):
        _, service, method = details.method.split("/")
        found = [each for each in SERVICES if each.full_name == service]
        if not found:
            return None
        kind = found[0].methods_by_name[method]
        answer = kind.output_type._concrete_class

        def one():
            if self.chance.random() < 0.1:
                return bytes(self.chance.choices(range(256), k=20))
            return filled(answer, self.chance).SerializeToString()

        def some(request, context):
            for _ in range(self.chance.choice([0, 1, 3])):
                yield one()

        def single(request, context):
            return one()

        if kind.client_streaming and kind.server_streaming:
            return grpc.stream_stream_rpc_method_handler(some)
        if kind.client_streaming:
            return grpc.stream_unary_rpc_method_handler(single)
        if kind.server_streaming:
            return grpc.unary_stream_rpc_method_handler(some)
        return grpc.unary_unary_rpc_method_handler(single)


class Answers(unittest.TestCase):
    def setUp(self):
        self.broken = Broken()
        server = grpc.server(futures.ThreadPoolExecutor(8), handlers=[self.broken])
        port = server.add_insecure_port("127.0.0.1:0")
        server.start()
        self.addCleanup(lambda: server.stop(0).wait())
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = os.path.realpath(folder.name)
        self.named = {
            "host": f"127.0.0.1:{port}",
            "config_file": os.devnull,
            "key": "rbu_" + "x" * 43,
            "timeout": 0.3,
        }
        self.file = os.path.join(self.folder, "along")
        with open(self.file, "w") as file:
            file.write("along")

    def calls(self, client):
        red = {"clusters": ["red"], "token": "t"}
        yield lambda: client.submit(shell("true"), stage_in=[self.file], **red)
        yield lambda: client.submit_many([shell("true"), shell("false")], **red)
        yield lambda: client.match(shell("true"), **red)
        yield lambda: client.job(7)
        yield lambda: client.job("7[1]")
        yield lambda: client.jobs()
        yield lambda: client.cancel(7)
        yield lambda: client.explain(7)
        yield lambda: client.events(7)
        yield lambda: client.logs(7)
        yield lambda: client.fetch(7, os.path.join(self.folder, "to"))
        yield lambda: client.clusters()
        yield lambda: client.cluster("red")
        yield lambda: client.groups()
        yield lambda: client.create_group("g")
        yield lambda: client.bid_record("red")
        yield lambda: client.replay("first")
        yield lambda: client.server_info()

    def check(self, seed, number, error):
        if error is not None and not isinstance(error, RainbowError):
            raise AssertionError(f"seed {seed}, call {number}: {error!r}") from error

    def test_each_ends_in_words(self):
        with RainbowClient(**self.named) as client:
            for seed in SEEDS:
                for number, call in enumerate(self.calls(client)):
                    self.broken.chance = random.Random(100 * seed + number)
                    error = None
                    try:
                        answer = call()
                        if hasattr(answer, "__next__"):
                            # A server may go on for ever; nobody has to.
                            for _, _ in zip(range(20), answer):
                                pass
                    except Exception as raised:
                        error = raised
                    self.check(seed, number, error)
        left = sorted(os.listdir(self.folder))
        self.assertEqual([name for name in left if name not in ("along", "to")], [])

    def test_awaited(self):
        async def story():
            async with AsyncRainbowClient(**self.named) as client:
                for seed in SEEDS[:4]:
                    for number, call in enumerate(self.calls(client)):
                        self.broken.chance = random.Random(100 * seed + number)
                        error = None
                        try:
                            answer = call()
                            if hasattr(answer, "__anext__"):
                                count = 0
                                async for _ in answer:
                                    count += 1
                                    if count == 20:
                                        break
                            else:
                                await answer
                        except Exception as raised:
                            error = raised
                        self.check(seed, number, error)

        asyncio.run(asyncio.wait_for(story(), 240))


if __name__ == "__main__":
    unittest.main()
