"""Pickled and copied errors and responses keep all of their attributes."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from typing import Any

import pytest

import wirespeed
from wirespeed import (
    CertificateError,
    CertificateMismatch,
    CloseCause,
    CloseInfo,
    ConnectionDisconnected,
    HandshakeError,
    IdleTimeout,
    InvalidCompression,
    InvalidTLSContext,
    InvalidURL,
    InvalidUtf8,
    MessageTooBig,
    MessageTypeError,
    OpenTimeout,
    ProtocolError,
    ProxyError,
    QueueOverflow,
    ReadTimeout,
    Response,
    TLSError,
    WebSocketError,
    exceptions,
)
from wirespeed._base.response import frozen_headers

HEADERS = frozen_headers([("Set-Cookie", "a=1"), ("set-cookie", "b=ü"), ("Retry-After", "7")])
REDIRECT = Response(302, "Found", frozen_headers([("Location", "/b")]), "ws://a/")
REFUSAL: dict[str, Any] = {
    "status": 503,
    "reason": "Busy",
    "headers": HEADERS,
    "body": b"later",
    "history": (REDIRECT,),
}
INFO = CloseInfo(
    cause=CloseCause.IDLE_TIMEOUT,
    received=None,
    sent=(1011, "no message"),
    latency=0.5,
    unsent_bytes=1,
    unread_messages=2,
    unread_bytes=3,
)

ERRORS = [
    HandshakeError("refused", **REFUSAL),
    HandshakeError("refused"),
    OpenTimeout("late", phase="tls"),
    OpenTimeout("late"),
    CertificateMismatch("another", expected="AA", received="BB"),
    ProxyError("refused", **REFUSAL),
    TLSError("closed", host="a", port=443, problem="closed", advice="wait"),
    CertificateError("expired", host="a"),
    InvalidTLSContext("for servers"),
    ConnectionDisconnected("gone"),
    ConnectionDisconnected("gone", code=1001, reason="ü", received=(1001, "ü"), sent=(1000, "")),
    ConnectionDisconnected("gone", code=1001, received=(1001, ""), info=INFO),
    IdleTimeout("silent", code=1006, sent=(1011, "no message"), info=INFO),
    ProtocolError("bad"),
    InvalidCompression("corrupt"),
    QueueOverflow("too many"),
    WebSocketError("any"),
    MessageTooBig("big"),
    InvalidUtf8("no text"),
    InvalidURL("no host"),
    MessageTypeError("other"),
    ReadTimeout("late"),
]


def test_no_error_is_left_out() -> None:
    public = {getattr(wirespeed, name) for name in exceptions.__all__}
    assert {type(error) for error in ERRORS} == public


Again = Callable[[Any], Any]


def pickled(value: Any) -> Any:
    return pickle.loads(pickle.dumps(value))  # our own


AGAIN = pytest.mark.parametrize("again", [pickled, copy.copy, copy.deepcopy])


@AGAIN
@pytest.mark.parametrize("error", ERRORS, ids=repr)
def test_an_error_keeps_its_attributes(error: Exception, again: Again) -> None:
    same = again(error)
    assert type(same) is type(error)
    assert str(same) == str(error)
    assert same.args == error.args
    assert vars(same) == vars(error)
    assert getattr(same, "close_code", None) == getattr(error, "close_code", None)


@AGAIN
def test_headers_stay_case_insensitive(again: Again) -> None:
    error = again(HandshakeError("refused", **REFUSAL))
    assert error.headers["SET-COOKIE"] == "a=1"
    assert list(error.headers.items()) == list(HEADERS.items())
    assert error.history[0].headers["location"] == "/b"
    assert error.retry_after == 7.0


@AGAIN
def test_notes_are_kept(again: Again) -> None:
    error = HandshakeError("refused")
    error.add_note("at the third attempt")
    assert again(error).__notes__ == ["at the third attempt"]


@AGAIN
def test_a_response_keeps_all(again: Again) -> None:
    response = Response(101, "OK", HEADERS, "wss://b/", (REDIRECT,))
    same = again(response)
    assert same == response
    assert same.headers.getall("set-cookie") == ["a=1", "b=ü"]
    assert same.history[0].url == "ws://a/"


def test_without_a_response_there_are_no_headers() -> None:
    error = HandshakeError("refused")
    assert error.headers == {}
    assert (error.status, error.body, error.retry_after, error.history) == (None, b"", None, ())
