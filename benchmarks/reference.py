"""What our figures stand beside: the least that a client can do, a bare httpx loop against the same
server."""

from __future__ import annotations

import hashlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from pathlib import Path

import httpx
import trio

PIECE = 1 << 20


async def together(count: int, jobs: Iterable[Callable[[], Awaitable[None]]]) -> float:
    """Runs the jobs, ``count`` at a time; seconds of wall time."""
    todo = iter(jobs)
    started = time.perf_counter()

    async def work() -> None:
        for job in todo:
            await job()

    async with trio.open_nursery() as nursery:
        for _ in range(count):
            nursery.start_soon(work)
    return time.perf_counter() - started


class Bare:
    """Uploads and downloads with nothing around them. ``folder`` is the remote folder's path in the
    sync API."""

    def __init__(self, url: str, token: str, folder: str) -> None:
        self._client = httpx.AsyncClient(
            base_url=f"{url}/api/app/sync/operation/{folder}/",
            headers={"Authorization": f"Bearer {token}", "User-Agent": "sync-in-bench"},
            timeout=60.0,
            trust_env=False,
            limits=httpx.Limits(max_connections=32, max_keepalive_connections=32),
        )

    async def close(self) -> None:
        await self._client.aclose()

    async def send(self, file: Path, name: str) -> None:
        """One POST with its checksum, as our client sends them."""
        size = file.stat().st_size
        digest = hashlib.new("sha512_256")
        with file.open("rb") as source:
            while piece := source.read(PIECE):
                digest.update(piece)

        async def body() -> AsyncIterator[bytes]:
            with file.open("rb") as source:
                while piece := source.read(PIECE):
                    yield piece

        answer = await self._client.post(
            name,
            params={
                "size": size,
                "mtime": int(file.stat().st_mtime),
                "checksum": digest.hexdigest(),
            },
            headers={"Content-Type": "application/octet-stream", "Content-Length": str(size)},
            content=body(),
        )
        answer.raise_for_status()

    async def fetch(self, name: str, target: Path) -> None:
        with target.open("wb") as sink:
            async with self._client.stream("GET", name) as answer:
                answer.raise_for_status()
                async for piece in answer.aiter_raw(PIECE):
                    sink.write(piece)
