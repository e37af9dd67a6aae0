"""The contract of the codec: the types that `_core` (compiled) and `pure` both implement.

Contains types only, and no code that runs.
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

    The parser never keeps a reference to the bytes it is fed: it copies unfinished
    data into its own memory before `feed` returns.

    Attributes:
        controls: opcode and payload of each Ping and Pong, oldest first. The
            caller takes them and assigns an empty list.
        close: close code and close reason of the peer's Close frame once it has arrived
            (1005 and "" for an empty payload), else `None`.
        queues_controls: whether each Ping and Pong is added to the messages, in order of
            arrival, as a `Control`. Pings are then not in `controls`.
        queues_fragments: whether each frame of a fragmented message is added to the messages when
            it is complete, as a `Fragment`. Not together with `stream`.
        frame_limit: the largest payload of one frame of a message in bytes, inclusive, as on the
            wire.
        slice_frames: how many frames one `feed` may take; without a limit at first.
        slice_bytes: how many inflated bytes may make one `feed` stop, which is then at most a step
            of the inflater beyond; without a limit at first.
    """

    controls: list[tuple[int, bytes]]
    close: tuple[int, str] | None
    queues_controls: bool
    queues_fragments: bool
    frame_limit: int
    slice_frames: int
    slice_bytes: int

    @property
    def unparsed(self) -> int:
        """Count the bytes at the end of its data that `feed` left over; -1 if it took all.

        If it is 0, a part of a message is still to be inflated. `feed` the bytes again, and then
        what follows them.
        """

    @property
    def frames(self) -> int:
        """Count the frames that arrived in full; a faulty frame is not counted."""

    @property
    def payload_bytes(self) -> int:
        """Count the payload bytes of these frames as they arrived: not inflated."""

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
                `None` for no limit. It does not apply to control frames.
            masked: `False` reads frames of a server (a masked frame is an
                error), `True` frames of a client (unmasks; an unmasked frame is an error).
            decode_text: `False` returns text as `bytes`, checked to be UTF-8, and the data of
                binary messages as `Binary`.
        """

    def accept_compressed(self, inflater: Inflater) -> None:
        """Accept compressed messages from now on (RFC 7692 section 6); until then RSV1 is an error.

        `max_message_size` then limits the inflated size of a message. It is exact and checked step
        by step. `wire_limit(max_message_size)` limits the compressed size.
        """

    @property
    def limited(self) -> bool:
        """Whether there is a `max_message_size`."""

    @property
    def message_opcode(self) -> int:
        """The opcode of the unfinished message, 0 between messages."""

    @property
    def filled(self) -> int:
        """Count the bytes of this message that the parser holds."""

    @property
    def chunks(self) -> list[Any] | None:
        """The list for the chunks of this message, `None` if it is returned whole."""

    def stream(self, chunks: list[Any]) -> None:
        """Return one message in chunks: the unfinished one, or else the next.

        The data that has arrived is appended to `chunks` at once, and then at the end of each
        read. Chunks have the types that `feed` uses for messages. Text is cut between characters.
        An empty chunk follows the last one; no other chunk is empty. Later messages are whole
        again. `max_message_size` does not limit this message. At a fault, the valid data before
        it is appended.

        Args:
            chunks: the list that the chunks are appended to.
        """

    def take_back(self, given: list[str | bytes]) -> bool:
        """Undo `stream`: return the message whole.

        Args:
            given: all chunks of the message so far, from its beginning.

        Returns:
            `False` if the message is over `max_message_size`, and so still comes in chunks.
        """

    def feed(self, data: Buffer, messages: list[str | bytes], size: int = -1) -> None:
        """Parse the first `size` bytes of `data`, or all bytes if it is -1.

        Each finished message is appended to `messages`: text as `str`, binary as
        `bytes`. After a Close frame, and after an error, everything is ignored.

        Raises:
            ProtocolError: the stream is malformed. The messages before the fault
                have been appended.
        """

    def get_buffer(self) -> memoryview | None:
        """Return memory into which the rest of a large frame can be read directly.

        `None` if there is none: then read into other memory and `feed` that. The
        returned memory is valid until the next call of any method.
        """

    def buffer_updated(self, size: int, messages: list[str | bytes]) -> None:
        """Parse `size` bytes that were read into the memory of `get_buffer`.

        Raises:
            ProtocolError: as `feed` does.
        """


class FrameBuilder(Protocol):
    """Messages in, masked frames out, gathered until they are taken (RFC 6455 section 5).

    Masking keys are consecutive 4-byte slices of blocks of
    `MASKING_KEY_BLOCK_BYTES` from the entropy source. A block is dropped after a fork.
    A builder must be used only in the thread that made it.
    """

    def __init__(self, *, entropy: Entropy | None = None) -> None:
        """Make a builder.

        Args:
            entropy: a function that returns n unpredictable bytes for `entropy(n)`, for tests
                that need known keys. `None` for `os.urandom`, with one block for all builders of
                a thread.
        """

    def __len__(self) -> int:
        """Count the bytes that were gathered and not taken."""

    @property
    def frames(self) -> int:
        """Count the frames that were built."""

    @property
    def payload_bytes(self) -> int:
        """Count the payload bytes of these frames, as passed to the builder."""

    def append(self, opcode: int, payload: Payload, fin: bool = True) -> int:
        """Add one masked frame; return the number of bytes gathered so far.

        `opcode` may have RSV1 set (RFC 7692 section 6). Then a bytes-like payload is not checked
        to be UTF-8.

        Raises:
            TypeError: `payload` is neither `str` nor bytes-like; nothing was added.
            ValueError: the opcode is text and a bytes-like payload is not UTF-8, or
                a `str` contains a lone surrogate (`UnicodeEncodeError`); nothing was added.
        """

    def take(self) -> bytes:
        """Return all gathered frames, and start again with none."""

    def frame(self, opcode: int, payload: Payload, fin: bool = True) -> bytes:
        """Build and return one masked frame, separate from the gathered ones.

        Raises:
            TypeError, ValueError: as `append` does.
        """


class Utf8Validator(Protocol):
    """Check UTF-8 that arrives in pieces, failing at the first bad byte (RFC 3629)."""

    def __init__(self) -> None: ...

    def feed(self, data: Buffer) -> bool:
        """Check the next bytes; return `False` from the first byte that cannot be UTF-8 on."""

    @property
    def complete(self) -> bool:
        """Whether all bytes so far are valid and end at the end of a character."""


class ApplyMask(Protocol):
    """XOR with the masking key (RFC 6455 section 5.3); masking and unmasking are the same."""

    def __call__(self, data: Buffer, key: bytes, offset: int = 0) -> bytes:
        """Mask `data`, whose first byte is byte `offset` of the payload.

        Raises:
            ValueError: the key is not 4 bytes long, or `offset` is negative.
        """


class CallInContext(Protocol):
    """Resumes a task immediately, in its own context."""

    def __call__(
        self, context: Context | None, callback: Callable[[Any], object], argument: object
    ) -> bool:
        """Call `callback(argument)` inside `context`.

        Returns:
            `False` if the context is already entered: then `callback` was not called.
        """


class StopWith(Protocol):
    """Returns the value of a hand-written awaitable."""

    def __call__(self, awaitable: object, value: object) -> NoReturn:
        """Raise `StopIteration(value)`, also for values that are tuples or exceptions.

        The compiled channel uses `set_result` of `_core_wake` instead, which only sets the result
        and returns. So call this only in the `__next__` of `awaitable`, and follow the call with a
        bare `raise StopIteration`.
        """


class UseSendSlot(Protocol):
    """Lets a hand-written awaitable return its values without exceptions."""

    def __call__(self, awaitable_type: type) -> None:
        """Set the type's `am_send` slot, so that `await` takes the value of `stop_with` from it.

        CPython 3.11 and 3.14 use this slot. 3.12 and 3.13 use it only for the coroutine of a task.
        Subclasses do not inherit it.
        """


class IsHeld(Protocol):
    """Finds out whether an object is still in use, so that an unused one can be reused."""

    def __call__(self, owned: object) -> bool:
        """Return whether `owned` may have references besides those of its owner and the caller.

        `owned` must be a local variable of the caller. If the references cannot be counted, the
        result is `True`.
        """


class TotalLength(Protocol):
    """Adds up the lengths of queued messages."""

    def __call__(self, messages: list[Any], start: int) -> int:
        """Return the sum of the lengths of `messages[start:]`."""


class ReceiveInto(Protocol):
    """Reads from a non-blocking socket."""

    def __call__(self, sock: Any, fd: int, memory: Buffer) -> int:
        """Read into `memory`, from a socket given as an object and as its file descriptor.

        Returns:
            The number of bytes, 0 at the end of the stream, -1 if no data is ready.

        Raises:
            OSError: the connection is lost.
        """


class SendSome(Protocol):
    """Writes to a non-blocking socket."""

    def __call__(self, sock: Any, fd: int, data: Buffer) -> int:
        """Write as much of `data` as a socket takes, given as an object and as its descriptor.

        Returns:
            The number of bytes; -1 if the socket takes none yet, or the system has no buffers.

        Raises:
            OSError: the connection is lost.
        """


class OpenTimer(Protocol):
    """Opens a descriptor that becomes readable at a set time."""

    def __call__(self) -> int:
        """Open a descriptor that the caller must close.

        Returns:
            The descriptor; -1 if the system has no such descriptors, or no more.
        """


class SetTimer(Protocol):
    """Sets the time of such a descriptor."""

    def __call__(self, fd: int, when: float) -> None:
        """Let the descriptor be readable from `when` on, in seconds of `time.monotonic`."""
