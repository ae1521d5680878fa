"""Delivery: sending an answer as its reply says, late, slowly, in part, or without end.

What belongs here: ASGI messages and the connection under them. What does not: which answer it is (``injection``).
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import socket
import struct
from http import HTTPStatus
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

    from sandbox.faults.fault import Reply

TRANSPORT = "sandbox.transport"
"""Where a request's scope holds its connection (``asyncio.Transport``); put there by ``server``."""

_DRIPS = 20
_BLANKS = b" " * 2**16
_RESET_AT_CLOSE = struct.pack("ii", 1, 0)  # SO_LINGER on, for zero seconds


class Line:
    """The connection that one answer goes out on, and what went out.

    Attributes:
        status: sent; None where nothing was.
        sent_bytes: of the body, handed to the connection.
    """

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._transport: asyncio.Transport = scope[TRANSPORT]
        self._receive = receive
        self._send = send
        self._hash = hashlib.sha256()
        self.status: int | None = None
        self.sent_bytes = 0

    @property
    def is_gone(self) -> bool:
        """Whether nobody is there any more."""
        return self._transport.is_closing()

    @property
    def sha256(self) -> str:
        """Of the body as far as it was sent, in hexadecimal."""
        return self._hash.hexdigest()

    async def start(self, status: int, headers: dict[str, str]) -> None:
        """Send status and headers."""
        self.status = int(status)
        raw = [(name.encode(), value.encode()) for name, value in headers.items()]
        await self._send({"type": "http.response.start", "status": self.status, "headers": raw})

    async def body(self, piece: bytes, *, is_last: bool) -> None:
        """Send a piece of the body."""
        await self._send({"type": "http.response.body", "body": piece, "more_body": not is_last})
        self._hash.update(piece)
        self.sent_bytes += len(piece)

    async def pause(self, seconds: float) -> None:
        """Wait, but no longer than somebody is there."""
        try:
            async with asyncio.timeout(seconds):
                await self.until_gone()
        except TimeoutError:
            pass

    def close(self) -> None:
        """End the connection in good order, once all is out."""
        self._transport.close()

    def reset(self) -> None:
        """End the connection now, with a TCP reset."""
        # A duplicate, since an event loop need not let its own socket be touched; options are the connection's.
        with socket.socket(fileno=os.dup(self._transport.get_extra_info("socket").fileno())) as same:
            same.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_AT_CLOSE)
        self._transport.abort()

    async def until_gone(self) -> None:
        """Wait for the end of the connection."""
        while (await self._receive())["type"] != "http.disconnect":
            pass


async def deliver(reply: Reply, line: Line) -> bool:
    """Send a reply; whether all of it went out. If not, the connection has ended."""
    is_complete = await _sent(reply, line)
    if not is_complete:
        await line.until_gone()
    return is_complete


async def _sent(reply: Reply, line: Line) -> bool:
    delivery, body = reply.delivery, reply.answer.body
    if delivery.wait_seconds:
        await line.pause(delivery.wait_seconds)
    if line.is_gone:
        return False
    if delivery.sent_bytes is not None:
        if delivery.sent_bytes or not delivery.is_reset:
            await line.start(reply.answer.status, _headers(reply))
            await line.body(body[: delivery.sent_bytes], is_last=False)
        if delivery.is_reset:
            line.reset()
        else:
            line.close()
        return False
    await line.start(reply.answer.status, _headers(reply))
    if delivery.drip_seconds and body:
        return await _drip(body, delivery.drip_seconds, line)
    await line.body(body, is_last=not delivery.padding_bytes)
    return await _pad(delivery.padding_bytes, line)


def _headers(reply: Reply) -> dict[str, str]:
    if reply.answer.status == HTTPStatus.NOT_MODIFIED or not reply.delivery.declares_length:
        return reply.answer.headers
    length = len(reply.answer.body) + reply.delivery.padding_bytes
    return {**reply.answer.headers, "content-length": str(length)}


async def _drip(body: bytes, seconds: float, line: Line) -> bool:
    size = -(-len(body) // _DRIPS)
    for start in range(0, len(body), size):
        if start:
            await line.pause(seconds / (_DRIPS - 1))
        if line.is_gone:
            return False
        await line.body(body[start : start + size], is_last=start + size >= len(body))
    return True


async def _pad(length: int, line: Line) -> bool:
    while length:
        if line.is_gone:
            return False
        piece = _BLANKS[:length]
        length -= len(piece)
        await line.body(piece, is_last=not length)
    return True
