"""Makes rainbow_queue/aio from rainbow_queue/blocking: `python twins.py`, or with `--check` says whether it is done.

The two clients differ in where they wait, and in nothing else; so the second is written by these substitutions. What is
iterated there is `self.…` or a stream, what is awaited is in the list below.
"""

import os
import re
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
BLOCKING, AIO = (os.path.join(HERE, "rainbow_queue", name) for name in ("blocking", "aio"))
NOTICE = "# Made from ../blocking by twins.py; never edited.\n"

RULES = [
    (r"rainbow_queue\.blocking", "rainbow_queue.aio"),
    (r"\bRainbowClient\b", "AsyncRainbowClient"),
    (r"(The|the) blocking client", r"\1 client for asyncio"),
    (r"    def (?!__init__|_)", "    async def "),
    (r"    def (_run|_call|_follow|_events|_logs|_fill|_again)\b", r"    async def \1"),
    (r"    def __(enter|exit)__", r"    async def __a\1__"),
    (r"(?<!def )(?<!in )\bself\.(_run|_call|_again|close|job|submit_jobspec)\(", r"await self.\1("),
    (r"\bchannel\.close\(", "await channel.close("),
    (r"\bfor (\w+) in (self\.(?!_(?:channels|hosts)\b)|stream\b)", r"async for \1 in \2"),
    (r"= method\(request,", "= await method(request,"),
    (r"\btime\.sleep\(", "await asyncio.sleep("),
    (r"\bIterator\b", "AsyncIterator"),
    (r"\bopen_channel\b", "open_async_channel"),
    (r"\bFeed\b", "AsyncFeed"),
    (r"\bBlocks until\b", "Waits until"),
]


def twin(text: str) -> str:
    for pattern, put in RULES:
        text = re.sub(pattern, put, text)
    if "asyncio.sleep" in text:
        text = text.replace("import time\n", "import asyncio\nimport time\n")
    return NOTICE + text


def main() -> None:
    stale = []
    for name in sorted(os.listdir(BLOCKING)):
        if not name.endswith(".py") or name == "__init__.py":
            continue
        with open(os.path.join(BLOCKING, name), encoding="utf-8") as file:
            made = twin(file.read())
        path = os.path.join(AIO, name)
        if "--check" not in sys.argv:
            with open(path, "w", encoding="utf-8") as file:
                file.write(made)
            continue
        with open(path, encoding="utf-8") as file:
            if file.read() != made:
                stale.append(name)
    if stale:
        sys.exit(f"rainbow_queue/aio is out of date ({', '.join(stale)}): run python/twins.py")


if __name__ == "__main__":
    main()
