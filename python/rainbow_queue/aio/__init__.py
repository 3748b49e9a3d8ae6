"""The client for asyncio: the same methods, awaited; what is many is iterated with `async for`."""

from rainbow_queue.aio.client import AsyncRainbowClient

__all__ = ["AsyncRainbowClient"]
