"""How `HandshakeError` reads the header Retry-After: valid values, and values to ignore."""

from __future__ import annotations

import email.utils
import math
import time

import pytest
from hypothesis import given, strategies as st
from multidict import CIMultiDict

from wirespeed import HandshakeError

NOW = 1_795_000_000.0
LIMIT = float(1 << 31)


def seconds(value: str) -> float | None:
    return HandshakeError("busy", headers={"Retry-After": value}).retry_after


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("0", 0.0),
        ("120", 120.0),
        (" 120\t", 120.0),
        ("007", 7.0),
        ("2147483648", LIMIT),
        ("2147483649", LIMIT),
        ("9" * 5000, LIMIT),
        ("0" * 5000 + "5", 5.0),
        ("", None),
        (" ", None),
        ("-1", None),
        ("+1", None),
        ("1.5", None),
        ("1_0", None),
        ("1e3", None),
        ("inf", None),
        ("nan", None),
        ("１２", None),
        ("²", None),
        ("soon", None),
        ("120, 240", None),
        (email.utils.formatdate(NOW + 90, usegmt=True), 90.0),
        (email.utils.formatdate(NOW, usegmt=True), 0.0),
        (email.utils.formatdate(NOW - 90, usegmt=True), 0.0),
        ("Thu, 01 Jan 1970 00:00:00 GMT", 0.0),
        ("Fri, 31 Dec 9999 23:59:59 GMT", LIMIT),
        (time.strftime("%A, %d-%b-%y %H:%M:%S GMT", time.gmtime(NOW + 60)), 60.0),
        (time.strftime("%a %b %d %H:%M:%S %Y", time.gmtime(NOW + 60)), 60.0),
        ("Sat, 32 Nov 2026 11:00:00 GMT", None),
        ("Sat, 21 Nov 2026 25:00:00 GMT", None),
        ("Sat, 21 Nov 99999999999999999999 11:00:00 GMT", None),
        ("Sat, 21 Nov 2026 11:00:00 GMT" + " " * 99 + "x", None),
        (",", None),
        ("Mon, Tue, Wed", None),
    ],
)
def test_values(value: str, expected: float | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "time", lambda: NOW)
    assert seconds(value) == expected


def test_the_first_counts_in_any_case() -> None:
    headers = CIMultiDict([("retry-after", "5"), ("RETRY-AFTER", "9")])
    assert HandshakeError("busy", headers=headers).retry_after == 5.0


DATES = st.datetimes().map(email.utils.format_datetime)


@given(st.text(max_size=80) | st.integers().map(str) | DATES)
def test_any_value_gives_bounded_seconds_or_none(value: str) -> None:
    found = seconds(value)
    assert found is None or (math.isfinite(found) and 0 <= found <= LIMIT)
