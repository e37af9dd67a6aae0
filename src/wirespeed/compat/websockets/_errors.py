"""Translates our errors to those of `websockets`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from ... import exceptions as own
from ..._base.close_info import CloseCause
from ..._base.rfc6455 import MAX_CONTROL_PAYLOAD_BYTES
from . import _types as theirs

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..._lifecycle.closing import Closing

_SIZE_AND_LIMIT: Final = re.compile(r"(\d+) bytes.*?(\d+)")
# Programs look for this text.
_NO_PONG: Final = "keepalive ping timeout"
# After these, what the peer sends is not looked at.
_DEAF_CAUSES: Final = frozenset({CloseCause.PROTOCOL_ERROR, CloseCause.UNFINISHED_MESSAGE})


class Failure(own.ProtocolError):
    """The program fails the connection.

    Attributes:
        close_code: the close code to send.
        error: what the program found; `None` if it does not say.
    """

    def __init__(self, reason: str, close_code: int = 1011, error: Exception | None = None) -> None:
        super().__init__(reason)
        self.close_code = close_code
        self.error = error


def received_close(closing: Closing) -> theirs.Close | None:
    """Return what the peer's Close frame said; `None` without one."""
    if closing.close_received is None or closing.cause in _DEAF_CAUSES:
        return None
    return _from_wire(closing.close_received)


def sent_close(closing: Closing) -> theirs.Close | None:
    """Return what our Close frame said; `None` without one."""
    if closing.close_sent is None:
        return None
    if closing.cause is CloseCause.PEER_CLOSE:
        return _from_wire(closing.close_sent)
    code, reason = closing.close_sent
    if closing.cause is CloseCause.PING_TIMEOUT:
        reason = _NO_PONG
    try:
        return theirs.Close(theirs.CloseCode(code), reason)
    except ValueError:
        return theirs.Close(code, reason)


def check_close(code: int, reason: str) -> None:
    """Check that a Close frame may say this.

    Raises:
        ProtocolError: it may not.
    """
    payload = theirs.Close(code, reason).serialize()
    if len(payload) > MAX_CONTROL_PAYLOAD_BYTES:
        raise theirs.ProtocolError("control frame too long")


def _from_wire(frame: tuple[int, str]) -> theirs.Close:
    """Return a frame as the peer sent it: its code is a plain `int`, which programs may print."""
    code, reason = frame
    no_code = theirs.CloseCode.NO_STATUS_RCVD
    return theirs.Close(no_code if code == no_code else code, reason)


def came_first(closing: Closing) -> bool | None:
    """Return whether the peer's Close frame came before ours; `None` unless there are both."""
    if received_close(closing) is None or closing.close_sent is None:
        return None
    return closing.cause is CloseCause.PEER_CLOSE


def closed_error(closing: Closing) -> theirs.ConnectionClosed:
    """Make the error of a call on a connection that is closing or closed."""
    rcvd, sent = received_close(closing), sent_close(closing)
    is_clean = (
        rcvd is not None
        and sent is not None
        and rcvd.code in theirs.OK_CLOSE_CODES
        and sent.code in theirs.OK_CLOSE_CODES
    )
    kind = theirs.ConnectionClosedOK if is_clean else theirs.ConnectionClosedError
    error = kind(rcvd, sent, came_first(closing))
    error.__cause__ = _cause(closing, is_clean)
    return error


def make_end(closing: Closing, ends_iteration: bool) -> Exception:
    """Make the error after the end; see `Closing.make_end`."""
    error = closed_error(closing)
    if ends_iteration and isinstance(error, theirs.ConnectionClosedOK):
        return StopAsyncIteration()
    return error


def _cause(closing: Closing, is_clean: bool) -> BaseException | None:
    failure = closing.failure
    if closing.timed_out:
        return TimeoutError("timed out while closing connection")
    if isinstance(failure, Failure):
        return failure.error
    if isinstance(failure, own.ProtocolError):
        return _protocol_error(failure)
    if failure is not None or is_clean:
        return failure
    if closing.close_received is None and closing.cause is not CloseCause.PING_TIMEOUT:
        return EOFError("unexpected end of stream")
    return None


def _protocol_error(fault: own.ProtocolError) -> Exception:
    text = str(fault)
    error: Exception = theirs.ProtocolError(text)
    if isinstance(fault, own.MessageTooBig):
        numbers = _SIZE_AND_LIMIT.search(text)
        if numbers is not None:
            error = theirs.PayloadTooBig(*map(int, numbers.groups()))
    elif isinstance(fault, own.InvalidUtf8):
        # The data is gone, and must not get into logs.
        error = UnicodeDecodeError("utf-8", b"", 0, 0, text)
    error.__cause__ = fault
    return error


# -- the opening ---------------------------------------------------------------------------


def opening_error(exc: Exception, uri: str) -> Exception:
    """Return the error of `websockets` for one of `wirespeed.connect`; `exc` itself if it is one.

    Args:
        exc: the error.
        uri: the URI of the connection.
    """
    if isinstance(exc, own.InvalidURL):
        return theirs.InvalidURI(uri, str(exc))
    if isinstance(exc, own.OpenTimeout):
        return TimeoutError("timed out during opening handshake")
    if isinstance(exc, own.ProxyError):
        return _proxy_error(exc)
    if isinstance(exc, own.HandshakeError) and not isinstance(
        exc, own.CertificateMismatch | own.TLSError
    ):
        return _handshake_error(exc)
    return exc


def _proxy_error(exc: own.ProxyError) -> Exception:
    if exc.status is not None:
        return theirs.InvalidProxyStatus(response_of(exc))
    if isinstance(exc.__cause__, OSError):
        return exc.__cause__
    if "SOCKS" in str(exc) or "socks" in str(exc):
        return theirs.ProxyError("failed to connect to SOCKS proxy")
    return theirs.InvalidProxyMessage("did not receive a valid HTTP response from proxy")


def _handshake_error(exc: own.HandshakeError) -> Exception:
    # Without the head of a response, or with a malformed one, this is not a refusal.
    if exc.status is None or not (exc.headers or str(exc).startswith("server refused")):
        error = theirs.InvalidMessage("did not receive a valid HTTP response")
        cause: Exception = ValueError(str(exc))
        if str(exc).startswith("server closed the connection"):
            cause = EOFError("connection closed while reading HTTP status line")
        error.__cause__ = cause
        cause.__cause__ = exc
        return error
    if exc.status == 101:
        return _upgrade_error(exc.headers, str(exc))
    return theirs.InvalidStatus(response_of(exc))


def _upgrade_error(headers: Mapping[str, str], text: str) -> Exception:
    """Return the error for the headers of a response that should have switched protocols."""
    names = ("Upgrade", "Connection", "Sec-WebSocket-Accept")
    name = next((name for name in names if text.startswith(f"header {name} ")), None)
    if name is None:
        return theirs.NegotiationError(text)
    value = headers.get(name)
    if name != "Sec-WebSocket-Accept":
        return theirs.InvalidUpgrade(name, value)
    if value is None:
        return theirs.InvalidHeader(name)
    return theirs.InvalidHeaderValue(name, value)


def response_of(exc: own.HandshakeError) -> theirs.Response:
    """Return the response of a refusal."""
    return make_response(exc.status or 0, exc.reason, exc.headers, exc.body)


def make_response(
    status: int, reason: str, headers: Mapping[str, str], body: bytes = b""
) -> theirs.Response:
    """Make a response of `websockets`."""
    pairs: Any = list(headers.items())
    return theirs.Response(status, reason, theirs.Headers(pairs), body)
