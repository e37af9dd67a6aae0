"""The offer of compression, and the check of the server's answer (RFC 7692 section 7.1).

Does not compress data.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final, Literal, TypeAlias

from .._base.compression import LARGEST_WINDOW_BITS, MAX_BITS, NO_CONTEXT, Deflate

__all__ = ["CompressionLike", "IllegalAnswer", "agreed", "as_deflate", "offer"]

_NAME: Final = "permessage-deflate"
_BITS: Final = re.compile("8|9|1[0-5]")
_QUOTED_CHARACTERS: Final = 80

# A token, a quoted string, or any other single character: a separator, or a fault found later.
_WORDS: Final = re.compile(
    r"""[ \t]*(?:([!#$%&'*+\-.^_`|~0-9A-Za-z]+)|"((?:[^"\\]|\\.)*)"|(.))[ \t]*""", re.DOTALL
)
_TOKEN: Final = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")


CompressionLike: TypeAlias = Literal["deflate"] | Deflate | None


class IllegalAnswer(Exception):
    """The server's answer must not be accepted; the text is the reason."""


def as_deflate(compression: CompressionLike) -> Deflate | None:
    """Return the settings for the argument `compression` of `connect`; `None` for none.

    Raises:
        TypeError: `compression` is neither `None` nor `str` nor `Deflate`.
        ValueError: `compression` is a `str` other than "deflate".
    """
    if compression is None or isinstance(compression, Deflate):
        return compression
    if not isinstance(compression, str):
        raise TypeError(
            f"compression must be None, 'deflate' or Deflate, not {type(compression).__name__}"
        )
    if compression != "deflate":
        raise ValueError(f"compression must be None, 'deflate' or Deflate, not {compression!r}")
    return Deflate()


def offer(deflate: Deflate) -> str:
    """Return the value of Sec-WebSocket-Extensions that offers `deflate`."""
    parameters = [_NAME]
    parameters += [name for name in NO_CONTEXT if getattr(deflate, name)]
    if deflate.server_max_window_bits is not None:
        parameters.append(f"server_max_window_bits={deflate.server_max_window_bits}")
    # Always offered: without it the server could not ask for a smaller window.
    bits = deflate.client_max_window_bits
    parameters.append("client_max_window_bits" + ("" if bits is None else f"={bits}"))
    return "; ".join(parameters)


def agreed(offered: Deflate | None, answers: Iterable[str]) -> Deflate | None:
    """Return the settings that the server agreed to, `None` if it chose no extension.

    Args:
        offered: the offered settings; `None` if no compression was offered.
        answers: the values of the response's Sec-WebSocket-Extensions headers.

    Raises:
        IllegalAnswer: the server chose an extension or a parameter that was not offered, left
            out a parameter that was asked for, or its answer is malformed.
    """
    extensions = [
        extension for answer in answers if answer.strip(" \t") for extension in _extensions(answer)
    ]
    if not extensions:
        return None
    name, parameters = extensions[0]
    if offered is None:
        raise IllegalAnswer(
            f"server chose the extension {_quoted(name)}, none was offered (RFC 6455 section 4.1)"
        )
    if name.lower() != _NAME:
        raise IllegalAnswer(
            f"server chose the extension {_quoted(name)}, {_NAME!r} was offered"
            " (RFC 6455 section 4.1)"
        )
    if len(extensions) > 1:
        raise IllegalAnswer(
            f"server chose {len(extensions)} extensions, one was offered (RFC 6455 section 4.1)"
        )
    return _agreed(offered, _by_name(parameters))


def _agreed(offered: Deflate, answer: dict[str, str | None]) -> Deflate:
    for name in NO_CONTEXT:
        if answer.get(name) is not None:
            raise _illegal(f"has {name} with a value, none is allowed", "7.1.1")
    server_bits = _window_bits("server_max_window_bits", answer, offered.server_max_window_bits)
    client_bits = _window_bits("client_max_window_bits", answer, offered.client_max_window_bits)
    # A restriction of the server holds only if its answer confirms it.
    if offered.server_no_context_takeover and "server_no_context_takeover" not in answer:
        raise _illegal("lacks server_no_context_takeover, which was asked for", "7.1.1.1")
    if offered.server_max_window_bits is not None and "server_max_window_bits" not in answer:
        raise _illegal("lacks server_max_window_bits, which was asked for", "7.1.2.1")
    return Deflate(
        server_max_window_bits=server_bits,
        client_max_window_bits=client_bits,
        server_no_context_takeover="server_no_context_takeover" in answer,
        client_no_context_takeover=(
            offered.client_no_context_takeover or "client_no_context_takeover" in answer
        ),
        level=offered.level,
        mem_level=offered.mem_level,
        threshold=offered.threshold,
    )


def _window_bits(name: str, answer: dict[str, str | None], offered: int | None) -> int:
    most = LARGEST_WINDOW_BITS if offered is None else offered
    if name not in answer:
        return most
    value = answer[name]
    if value is None:
        raise _illegal(f"has {name} without a value", "7.1.2")
    if not _BITS.fullmatch(value):
        raise _illegal(f"has {name}={_quoted(value)}, 8 to 15 are allowed", "7.1.2")
    if int(value) > most:
        raise _illegal(f"has {name}={value}, at most {most} was offered", "7.1.2")
    return int(value)


def _by_name(parameters: list[tuple[str, str | None]]) -> dict[str, str | None]:
    found: dict[str, str | None] = {}
    for written, value in parameters:
        name = written.lower()
        if name not in NO_CONTEXT + MAX_BITS:
            raise _illegal(f"has the unknown parameter {_quoted(written)}", "7.1")
        if name in found:
            raise _illegal(f"has {name} twice", "7.1")
        found[name] = value
    return found


def _extensions(answer: str) -> list[tuple[str, list[tuple[str, str | None]]]]:
    """Split a header into extensions with their parameters (RFC 6455 section 9.1)."""
    words = _words(answer)
    extensions: list[tuple[str, list[tuple[str, str | None]]]] = []
    while words:
        if words[0] == ",":
            # A list may have empty elements (RFC 9110 section 5.6.1).
            words.pop(0)
            continue
        extension: tuple[str, list[tuple[str, str | None]]] = (_token(words), [])
        extensions.append(extension)
        while words and words[0] != ",":
            if words.pop(0) != ";":
                raise _malformed()
            extension[1].append(_parameter(words))
    return extensions


def _parameter(words: list[str]) -> tuple[str, str | None]:
    name = _token(words)
    if not words or words[0] != "=":
        return name, None
    words.pop(0)
    return name, _token(words)


def _words(answer: str) -> list[str]:
    """Split into tokens and separators; a quoted string becomes the token in it."""
    words: list[str] = []
    for match in _WORDS.finditer(answer):
        token, quoted, other = match.groups()
        if quoted is not None:
            token = re.sub(r"\\(.)", r"\1", quoted, flags=re.DOTALL)
            # A quoted string must contain a token, and must be a value (RFC 6455 section 9.1).
            if not _TOKEN.fullmatch(token) or words[-1:] != ["="]:
                raise _malformed()
        words.append(token or other)
    return words


def _token(words: list[str]) -> str:
    if not words or not _TOKEN.fullmatch(words[0]):
        raise _malformed()
    return words.pop(0)


def _malformed() -> IllegalAnswer:
    return IllegalAnswer("header Sec-WebSocket-Extensions is malformed (RFC 6455 section 9.1)")


def _illegal(what: str, section: str) -> IllegalAnswer:
    return IllegalAnswer(
        f"server's answer to the offer of {_NAME} {what} (RFC 7692 section {section})"
    )


def _quoted(text: str) -> str:
    return repr(text[:_QUOTED_CHARACTERS])
