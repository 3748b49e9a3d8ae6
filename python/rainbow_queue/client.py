"""The blocking client, where the prototype has it."""

from rainbow_queue.blocking.client import RainbowClient

__all__ = ["RainbowClient"]
