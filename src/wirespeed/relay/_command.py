"""`wirespeed relay`: runs the workers, and shows their figures."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, TypeAlias

import nats  # noqa: F401 - only the workers use it, but this process can say that it is missing
from rich.live import Live

from ._config import Settings, read_settings, single_feed
from ._dashboard import table
from ._figures import Rates, Row, json_line
from ._prometheus import Collector, start_endpoint
from ._workers import Workers

USAGE_ERROR: Final = 2
_LOOK_SECONDS: Final = 1.0
_PROMETHEUS_HOST: Final = "127.0.0.1"

Show: TypeAlias = Callable[[Sequence[Row], int], None]


def run(
    file: Path | None,
    options: Mapping[str, Any],
    *,
    workers: int | None,
    json_lines: bool,
    prometheus: int | None,
) -> int:
    """Run a relay until a signal comes; return the exit status.

    Args:
        file: the TOML file with its settings.
        options: the settings of a single feed, in place of a file: `feed.url` and the like.
        workers: how many processes receive; `None` for what the file says.
        json_lines: print the figures as JSON lines.
        prometheus: the port for Prometheus; `None` for none.
    """
    if sys.platform == "win32":
        # Its event loops have neither signals nor pipes to processes.
        _complain(NotImplementedError("the relay runs on Linux and macOS only"))
        return USAGE_ERROR
    try:
        settings = _settings(file, options, workers)
    except (OSError, TypeError, ValueError) as exc:
        _complain(exc)
        return USAGE_ERROR
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(message)s")
    return asyncio.run(_run(settings, json_lines=json_lines, prometheus=prometheus))


def _settings(file: Path | None, options: Mapping[str, Any], workers: int | None) -> Settings:
    if file is None:
        return single_feed(options, workers)
    if options:
        raise ValueError("a file has all settings; leave out the options of a single feed")
    return read_settings(file, workers)


async def _run(settings: Settings, *, json_lines: bool, prometheus: int | None) -> int:
    workers = Workers(settings)
    if prometheus is not None:
        collector = Collector(workers.status, lambda: workers.restarts)
        try:
            port = start_endpoint(collector, _PROMETHEUS_HOST, prometheus)
        except OSError as exc:
            _complain(exc)
            return USAGE_ERROR
        sys.stderr.write(f"metrics: http://{_PROMETHEUS_HOST}:{port}/metrics\n")
    running = asyncio.create_task(workers.run())
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, running.cancel)
    with _display(json_lines=json_lines) as show:
        looking = asyncio.create_task(_look(workers, show))
        try:
            await running
        except asyncio.CancelledError:
            return 0
        except ExceptionGroup as group:
            for error in group.exceptions:
                _complain(error)
            return 1
        finally:
            looking.cancel()
    return 0


async def _look(workers: Workers, show: Show) -> None:
    rates = Rates()
    while True:
        show(rates.rows(workers.status()), workers.restarts)
        await asyncio.sleep(_LOOK_SECONDS)


@contextlib.contextmanager
def _display(*, json_lines: bool) -> Iterator[Show]:
    """Yield the function that shows the figures: JSON lines, a dashboard, or nothing."""
    if json_lines:
        yield _print_lines
    elif sys.stdout.isatty():
        with Live(table((), 0), auto_refresh=False) as live:
            yield lambda rows, restarts: live.update(table(rows, restarts), refresh=True)
    else:
        yield lambda _rows, _restarts: None


def _print_lines(rows: Sequence[Row], _restarts: int) -> None:
    for row in rows:
        sys.stdout.write(json_line(row) + "\n")
    sys.stdout.flush()


def _complain(error: Exception) -> None:
    sys.stderr.write(f"wirespeed: {error}\n")
