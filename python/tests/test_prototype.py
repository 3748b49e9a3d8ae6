"""The prototype's methods."""

import os
import unittest

import grpc
from rainbow_queue.client import RainbowClient
from rainbow_queue.config import RainbowConfig
from rainbow_queue.protos import rainbow_pb2

from server import SECRET, WithServer


class Prototype(WithServer):
    def test_its_whole_flow(self):
        graph = self.server.graph
        again = self.client.register("red", SECRET, graph)
        self.assertEqual(again.status, rainbow_pb2.RegisterResponse.ResultType.REGISTER_EXISTS)
        with self.assertRaises(grpc.RpcError) as caught:
            self.client.register("blue", "wrong", graph)
        self.assertEqual(caught.exception.code(), grpc.StatusCode.UNAUTHENTICATED)
        self.assertEqual((caught.exception.details(), str(caught.exception)), ("request denied", "request denied"))
        blue = self.client.register("blue", SECRET, graph)
        state = self.client.update_state("blue", {"nodes_free": 1}, blue.secret)
        self.assertEqual(state.status, rainbow_pb2.UpdateStateResponse.UPDATE_STATE_SUCCESS)
        mine = RainbowConfig(self.server.config)
        mine.cfg.update(
            cluster={"name": "blue", "secret": blue.secret}, clusters=[{"name": "blue", "token": blue.token}]
        )
        path = os.path.join(self.server.folder, "blue.yaml")
        mine.save_yaml(path)
        with RainbowClient(config_file=path) as client:
            response = client.submit_job("hostname -f", nodes=1, tasks=2)
            self.assertEqual((response.status, response.cluster, response.total_matches), (1, "blue", 2))
            self.assertEqual(list(client.submit_job("hostname", nodes=64).clusters), [])
            only = client.submit_job(["hostname"], satisfy_only=True)
            self.assertEqual(only.clusters, ["blue"])
            (job,) = client.receive_jobs(5, accept=False)
            self.assertEqual((job["id"], job["cluster"]), (1, "blue"))
            accepted = client.accept_jobs([1])
            self.assertEqual(accepted.status, rainbow_pb2.AcceptJobsResponse.RESULT_TYPE_SUCCESS)
            self.assertEqual(client.receive_jobs(), [])
        self.server.rainbow(
            "delete",
            "--config-path",
            path,
            "--cluster-name",
            "blue",
            "--secret",
            blue.secret,
            "--host",
            self.server.host,
        )
        with self.assertRaisesRegex(ValueError, "does not exist"):
            self.client.register("green", SECRET, "/nowhere.json")
        with self.assertRaisesRegex(ValueError, "command is required"):
            self.client.submit_job("")


if __name__ == "__main__":
    unittest.main()
