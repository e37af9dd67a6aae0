"""A worker of `wirespeed relay`: receives its feeds in a process of its own.

Its settings are the first line on standard input. It stops at the end of that input, so it does
not outlive its parent. It writes the figures of its feeds to standard output, one JSON line each
time.
"""

from __future__ import annotations

import asyncio
import base64
import json
import logging
import pickle
import signal
import sys
from contextlib import suppress
from dataclasses import asdict
from typing import Final

from nats.js.errors import NotFoundError

from ._config import Settings
from ._nats import open_nats
from ._relay import Relay

# Exit status: the settings can never work, so there is no use in starting again.
UNUSABLE: Final = 2
REPORT_SECONDS: Final = 1.0

_logger: Final = logging.getLogger("wirespeed.relay")


def encode_start(settings: Settings, worker: int) -> bytes:
    """Return the line that starts a worker."""
    return base64.b64encode(pickle.dumps((settings, worker))) + b"\n"


async def run(settings: Settings, worker: int) -> None:
    """Relay the feeds of one worker until standard input ends or a signal comes."""
    relaying = asyncio.create_task(_relay(settings, worker))

    def stop(_ended: object = None) -> None:
        # Only once: a signal may come together with the end of the input.
        if not relaying.cancelling():
            relaying.cancel()

    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop)
    ended = asyncio.create_task(_wait_for_end())
    ended.add_done_callback(stop)
    await relaying


async def _relay(settings: Settings, worker: int) -> None:
    async with open_nats(settings.nats, settings.window) as publish:
        relay = Relay(
            settings.feeds_of(worker),
            publish,
            window=settings.window,
            timeout=settings.timeout,
        )
        reports = asyncio.create_task(_report(relay))
        try:
            await relay.run()
        finally:
            reports.cancel()
            _write_report(relay)
            if relay.missing:
                _logger.warning(
                    "%d messages that had arrived are not acknowledged after %g seconds",
                    *(relay.missing, settings.timeout),
                )


async def _wait_for_end() -> None:
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), sys.stdin.buffer
    )
    await reader.read()


async def _report(relay: Relay) -> None:
    while True:
        _write_report(relay)
        await asyncio.sleep(REPORT_SECONDS)


def _write_report(relay: Relay) -> None:
    """Write the figures; nobody reads them any more if the parent is gone."""
    with suppress(BrokenPipeError):
        sys.stdout.write(json.dumps([asdict(status) for status in relay.status()]) + "\n")
        sys.stdout.flush()


def main() -> int:
    """Run a worker; return its exit status."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    logging.basicConfig(format="%(asctime)s %(levelname)s %(message)s")
    # Unbuffered: what follows the line is for the event loop.
    with open(sys.stdin.fileno(), "rb", buffering=0, closefd=False) as unbuffered:
        line = unbuffered.readline()
    settings, worker = pickle.loads(base64.b64decode(line))  # noqa: S301 - from the parent
    try:
        asyncio.run(run(settings, worker))
    except NotFoundError:
        sys.stderr.write(f"error: JetStream has no stream {settings.nats.stream}\n")
        return UNUSABLE
    except ExceptionGroup:
        return UNUSABLE
    except asyncio.CancelledError:
        pass
    return 0


if __name__ == "__main__":
    sys.exit(main())
