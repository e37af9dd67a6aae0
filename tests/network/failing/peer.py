"""A server in a thread, for one connection: none of its system calls is one of the client's.

Does not use the code under test.
"""

from __future__ import annotations

import contextlib
import select
import socket
import threading
from types import TracebackType
from typing import Final, Self

import reference
from rawserver import CLOSE, TEXT, accept_response, close_payload, parse_upgrade, unmask

HELLO: Final = "hello"
REST: Final = "the rest"
# All reserved bits are set (RFC 6455 section 5.2).
BROKEN_FRAME: Final = b"\xf1\x00"
PATIENCE_SECONDS: Final = 30.0

READ: Final = b"r"
LEAVE: Final = b"l"
BREAK: Final = b"b"
STOP: Final = b"s"


class Peer:
    """Greets, echoes text, and answers binary data with its length.

    Args:
        reads: whether it reads the client's frames at once, or only when it is told `READ`.

    Attributes:
        address: where it listens.
        close: the code of the client's Close frame; `None` if none came.
    """

    def __init__(self, reads: bool = True) -> None:
        self._reads = reads
        self._listening = socket.create_server(("127.0.0.1", 0))
        self._listening.settimeout(PATIENCE_SECONDS)
        self.address = self._listening.getsockname()
        self._ear, self._mouth = socket.socketpair()
        self.close: int | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.tell(STOP)
        self._thread.join(PATIENCE_SECONDS)
        self._mouth.close()

    def tell(self, order: bytes) -> None:
        """Have the thread read, leave with a message and a Close frame, or send a fault."""
        # The thread may have ended with the connection.
        with contextlib.suppress(BrokenPipeError):
            self._mouth.send(order)

    def _run(self) -> None:
        with self._ear, self._listening:
            if self._ear in select.select([self._listening, self._ear], [], [])[0]:
                return
            own = self._listening.accept()[0]
            with own:
                try:
                    self._serve(own)
                except ConnectionError:
                    return

    def _serve(self, own: socket.socket) -> None:
        waiting = bytearray()
        has_answered = False
        while True:
            sources = [self._ear, own] if self._reads or not has_answered else [self._ear]
            ready = select.select(sources, [], [])[0]
            # First what has arrived: the order may be to stop.
            if own in ready:
                data = own.recv(1 << 20)
                if not data:
                    return
                waiting += data
            if not has_answered and b"\r\n\r\n" in waiting:
                has_answered = True
                response = accept_response(parse_upgrade(bytes(waiting)))
                own.sendall(response + reference.frame(TEXT, HELLO.encode()))
                waiting.clear()
            while has_answered and (frame := _take_frame(waiting)) is not None:
                if not self._answer(own, *frame):
                    return
            if self._ear in ready and not self._obey(own, self._ear.recv(1)):
                return

    def _obey(self, own: socket.socket, order: bytes) -> bool:
        """Do what the test has told; return whether the connection goes on."""
        self._reads = True
        if order == LEAVE:
            end = reference.frame(CLOSE, close_payload(1000))
            own.sendall(reference.frame(TEXT, REST.encode()) + end)
        elif order == BREAK:
            own.sendall(BROKEN_FRAME)
        return order in {READ, BREAK}

    def _answer(self, own: socket.socket, opcode: int, payload: bytes) -> bool:
        if opcode == CLOSE:
            self.close = int.from_bytes(payload[:2], "big")
            own.sendall(reference.frame(CLOSE, payload))
            return False
        answer = payload if opcode == TEXT else str(len(payload)).encode()
        own.sendall(reference.frame(TEXT, answer))
        return True


def _take_frame(waiting: bytearray) -> tuple[int, bytes] | None:
    """Take one masked frame from the front; return its opcode and payload once it is whole."""
    if len(waiting) < 2:
        return None
    length = waiting[1] & 0x7F
    width = {126: 2, 127: 8}.get(length, 0)
    if width:
        length = int.from_bytes(waiting[2 : 2 + width], "big")
    start = 2 + width + 4
    if len(waiting) < start + length:
        return None
    opcode, key = waiting[0] & 0x0F, bytes(waiting[start - 4 : start])
    payload = unmask(bytes(waiting[start : start + length]), key)
    del waiting[: start + length]
    return opcode, payload
