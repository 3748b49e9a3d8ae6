"""The client for asyncio: made of the blocking one (twins.py), so that it works is what there is to see."""

import asyncio
import inspect
import unittest

from rainbow_queue import AsyncRainbowClient, DeadlineExceededError, FailedPreconditionError, NotFoundError, RainbowClient, UnavailableError

from server import WithServer, shell


class Asyncio(WithServer):
    def test_the_same_awaited(self):
        async def story():
            async with AsyncRainbowClient(config_file=self.server.config, key="rbu_" + "a" * 43) as client:
                submitted = await asyncio.gather(*(client.submit(shell(f"echo {n}")) for n in range(8)))
                ended = await asyncio.gather(*(client.wait(each.job.id, timeout=60) for each in submitted))
                self.assertEqual({job.state for job in ended}, {"completed"})
                texts = [await client.output(job.id) for job in ended]
                self.assertEqual(texts, [f"{n}\n" for n in range(8)])
                found = [job.id async for job in client.jobs(oldest_first=True)]
                self.assertEqual(found, sorted(job.id for job in ended))
                kinds = [event.kind async for event in client.events(ended[0].id, follow=True)]
                self.assertEqual(kinds[-1], "completed")
                with self.assertRaises(NotFoundError):
                    await client.job(99999)
                explained = await client.explain(ended[0].id)
                self.assertEqual(explained.decisions[0].chosen, "red")
                self.assertIn("red", [cluster.name for cluster in await client.clusters()])
                array = (await client.submit(shell("echo $RAINBOW_ARRAY_INDEX"), array=range(2))).job
                self.assertEqual((await client.wait(array, timeout=60)).state, "completed")
                self.assertEqual(await client.output(array), "0\n1\n")
                held = (await client.submit(shell("true"), hold=True)).job
                with self.assertRaises(DeadlineExceededError):
                    await client.wait(held, timeout=0.2)
                self.assertEqual((await client.cancel(held)).state, "canceled")

        asyncio.run(story())

    def test_cancelled_or_left_nothing_is_left_hanging(self):
        async def story():
            async with AsyncRainbowClient(config_file=self.server.config, key="rbu_" + "c" * 43) as client:
                job = (await client.submit(shell("true"), hold=True)).job
                waiting = [
                    asyncio.ensure_future(client.wait(job)),
                    asyncio.ensure_future(gathered(client.events(job, follow=True))),
                    asyncio.ensure_future(gathered(client.logs(job, follow=True))),
                    asyncio.ensure_future(gathered(client.watch(job))),
                ]
                async for event in client.events(follow=True):
                    self.assertEqual(event.job_id, job.id)
                    break
                for each in waiting:
                    each.cancel()
                ended = await asyncio.gather(*waiting, return_exceptions=True)
                self.assertEqual([type(each) for each in ended], [asyncio.CancelledError] * 4)
                with self.assertRaises(asyncio.TimeoutError):
                    await asyncio.wait_for(client.wait(job), 0.1)
                # It is as good as before.
                self.assertEqual((await client.cancel(job)).id, job.id)
                self.assertEqual((await client.wait(job, timeout=60)).state, "canceled")
            with self.assertRaisesRegex(FailedPreconditionError, "was closed"):
                await client.job(job)

        async def gathered(stream):
            return [each async for each in stream]

        asyncio.run(asyncio.wait_for(story(), 240))

    def test_both_have_the_same_methods(self):
        def surface(of):
            return {
                name: str(inspect.signature(member)).replace("AsyncIterator", "Iterator")
                for name, member in inspect.getmembers(of, inspect.isfunction)
                if not name.startswith("_")
            }

        self.assertEqual(surface(AsyncRainbowClient), surface(RainbowClient))

    def test_no_server(self):
        async def story():
            async with AsyncRainbowClient(host="nowhere.invalid:1") as client:
                await client.server_info()

        with self.assertRaisesRegex(UnavailableError, "cannot be resolved"):
            asyncio.run(story())


if __name__ == "__main__":
    unittest.main()
