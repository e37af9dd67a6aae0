"""The contract of the codec: what `_core` (compiled) and `pure` both export.

Types only: nothing here runs, and nothing here knows of asyncio.
"""

from __future__ import annotations

from collections.abc import Callable
from contextvars import Context
from typing import TYPE_CHECKING, Any, NoReturn, Protocol, TypeAlias

if TYPE_CHECKING:
    from typing_extensions import Buffer

    from .inflate import Inflater

Payload: TypeAlias = "str | Buffer"
Entropy: TypeAlias = Callable[[int], bytes]


class MessageParser(Protocol):
    """Bytes of frames in, whole messages out (RFC 6455 sections 5 and 8.1).

    The parser never keeps a reference to the bytes it is fed: what is unfinished
    is copied into memory of its own before `feed` returns.

    Attributes:
        controls: opcode and payload of each Ping and Pong, oldest first. The
            caller takes them and puts an empty list in their place.
        close: code and reason of the peer's Close frame once it has arrived
            (1005 and "" for an empty payload), else `None`.
        queues_controls: set it to have each Ping and Pong in its place between the messages,
            as a `Control`; Pings are then not in `controls`.
    """

    controls: list[tuple[int, bytes]]
    close: tuple[int, str] | None
    queues_controls: bool

    @property
    def frames(self) -> int:
        """Count the frames that arrived in full; one at fault is not counted."""

    @property
    def payload_bytes(self) -> int:
        """Count the payload bytes of these frames, as they came: not inflated."""

    @property
    def pings(self) -> int:
        """Count the Pings among them."""

    @property
    def pongs(self) -> int:
        """Count the Pongs among them."""

    def __init__(
        self,
        *,
        max_message_size: int | None = ...,
        masked: bool = False,
        decode_text: bool = True,
    ) -> None:
        """Make a parser for one direction of one connection.

        Args:
            max_message_size: limit for one message in payload bytes, inclusive;
                `None` for no limit. Control frames do not count.
            masked: `False` reads what servers send (a masked frame is an
                error), `True` what clients send (unmasks; an unmasked frame is an error).
            decode_text: `False` gives text as `bytes`, checked to be UTF-8, and the data of
                binary messages as `Binary`.
        """

    def accept_compressed(self, inflater: Inflater) -> None:
        """Take compressed messages from now on (RFC 7692 section 6); RSV1 is an error before.

        `max_message_size` then limits what a message inflates to, exactly and step by step,
        and `wire_limit` of it what it takes on the wire.
        """

    @property
    def limited(self) -> bool:
        """Whether there is a `max_message_size`."""

    @property
    def message_opcode(self) -> int:
        """The opcode of the message of which a part has arrived, 0 between messages."""

    @property
    def filled(self) -> int:
        """Count the bytes that are held of this message."""

    @property
    def chunks(self) -> list[Any] | None:
        """Where the chunks of this message go, `None` if it will be given whole."""

    def stream(self, chunks: list[Any]) -> None:
        """Give the message at hand, or else the next one, in chunks; then whole messages again.

        What has arrived of it is appended to `chunks`, at once and then at the end of each read,
        in the types that `feed` has for messages. Text is cut between characters, no chunk is
        empty but the one that follows the last. `max_message_size` does not limit this message.
        Before a fault, what is valid is given.

        Args:
            chunks: where they go.
        """

    def take_back(self, given: list[str | bytes]) -> bool:
        """Give the message whole after all.

        Args:
            given: what was given of it, from its beginning.

        Returns:
            `False` if it is over `max_message_size`, and so is still given in chunks.
        """

    def feed(self, data: Buffer, messages: list[str | bytes], size: int = -1) -> None:
        """Parse the first `size` bytes of `data` (all of it when -1).

        Each finished message is appended to `messages`: text as `str`, binary as
        `bytes`. After a Close frame, and after an error, everything is ignored.

        Raises:
            ProtocolError: the stream is malformed. The messages before the fault
                have been appended.
        """

    def get_buffer(self) -> memoryview | None:
        """Give memory into which the rest of a large frame can be read directly.

        `None` when there is none: then read elsewhere and `feed` it. The memory
        is valid until the next call of any method.
        """

    def buffer_updated(self, size: int, messages: list[str | bytes]) -> None:
        """Take `size` bytes that were read into the memory of `get_buffer`.

        Raises:
            ProtocolError: as `feed` does.
        """


class FrameBuilder(Protocol):
    """Messages in, masked frames out, gathered in one growing buffer (RFC 6455 section 5).

    Masking keys are consecutive 4-byte slices of blocks of
    `MASKING_KEY_BLOCK_BYTES` from the entropy source. A block is dropped after a fork.
    A builder belongs to the thread that made it.
    """

    def __init__(self, *, entropy: Entropy | None = None) -> None:
        """Make a builder.

        Args:
            entropy: `entropy(n)` returns n unpredictable bytes, for tests that need known
                keys; `None` for `os.urandom`, one block of it for all builders of a thread.
        """

    def __len__(self) -> int:
        """Count the bytes gathered and not yet taken."""

    @property
    def frames(self) -> int:
        """Count the frames that were built."""

    @property
    def payload_bytes(self) -> int:
        """Count the payload bytes of these frames, as they were given."""

    def append(self, opcode: int, payload: Payload, fin: bool = True) -> int:
        """Add one masked frame; return the bytes gathered so far.

        `opcode` may have RSV1 set (RFC 7692 section 6): then the payload is not checked.

        Raises:
            TypeError: `payload` is neither `str` nor bytes-like; nothing was added.
            ValueError: the opcode is text and a bytes-like payload is not UTF-8, or
                a `str` holds a lone surrogate (`UnicodeEncodeError`); nothing was added.
        """

    def take(self) -> bytes:
        """Hand over everything gathered and start anew."""

    def frame(self, opcode: int, payload: Payload, fin: bool = True) -> bytes:
        """Build one masked frame in memory of its own, apart from what is gathered.

        Raises:
            TypeError, ValueError: as `append` does.
        """


class Utf8Validator(Protocol):
    """Check UTF-8 that arrives in pieces, failing at the first bad byte (RFC 3629)."""

    def __init__(self) -> None: ...

    def feed(self, data: Buffer) -> bool:
        """Check the next bytes; `False` from the first byte on that cannot be UTF-8."""

    @property
    def complete(self) -> bool:
        """Whether what was fed so far is valid and ends at the end of a character."""


class ApplyMask(Protocol):
    """XOR with the masking key (RFC 6455 section 5.3); masking and unmasking are one."""

    def __call__(self, data: Buffer, key: bytes, offset: int = 0) -> bytes:
        """Mask `data`, whose first byte is byte `offset` of the payload.

        Raises:
            ValueError: the key is not 4 bytes long, or `offset` is negative.
        """


class CallInContext(Protocol):
    """How a task is resumed in place, in its own context."""

    def __call__(
        self, context: Context | None, callback: Callable[[Any], object], argument: object
    ) -> bool:
        """Call `callback(argument)` inside `context`.

        Returns:
            `False` if the context is entered already: then nothing was called.
        """


class StopWith(Protocol):
    """How a hand-written awaitable returns its value."""

    def __call__(self, awaitable: object, value: object) -> NoReturn:
        """Raise `StopIteration(value)`, also for values that are tuples or exceptions.

        The compiled twin only notes the value, without unwinding: use it in nothing but the
        `__next__` of `awaitable`, followed by a bare `raise StopIteration`.
        """


class UseSendSlot(Protocol):
    """How the values of a hand-written awaitable come without exceptions."""

    def __call__(self, awaitable_type: type) -> None:
        """Let `await` take what `stop_with` notes from the type's `am_send` slot.

        CPython 3.11 and 3.14 look there; 3.12 and 3.13 do so for the coroutine of a task only.
        Subclasses do not inherit it.
        """


class IsHeld(Protocol):
    """How an object that nobody uses any more is known, so that it can serve again."""

    def __call__(self, owned: object) -> bool:
        """Tell whether anyone may hold `owned`, a local variable, but its one owner and the caller.

        Where that cannot be known the answer is `True`.
        """


class TotalLength(Protocol):
    """How much is queued."""

    def __call__(self, messages: list[Any], start: int) -> int:
        """Sum up the lengths of `messages[start:]`."""


class ReceiveInto(Protocol):
    """How a non-blocking socket is read."""

    def __call__(self, sock: Any, fd: int, memory: Buffer) -> int:
        """Read into `memory`, from a socket and its file descriptor.

        Returns:
            How many bytes, 0 at the end of the stream, -1 if there is nothing to read yet.

        Raises:
            OSError: the connection is lost.
        """


class SendSome(Protocol):
    """How a non-blocking socket is written."""

    def __call__(self, sock: Any, fd: int, data: Buffer) -> int:
        """Write as much of `data` as the socket takes, by the socket and its file descriptor.

        Returns:
            How many bytes, -1 if it takes none yet.

        Raises:
            OSError: the connection is lost.
        """
