"""Every Python block on the pages for users runs, against a server of this machine.

The blocks of a page run in their order and share their names, as they do for who reads the page.
Each has a server of its own, which takes the place of every `.example` host.
"""

from __future__ import annotations

import ast
import asyncio
import builtins
import contextlib
import gc
import inspect
import re
import ssl
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any

import pytest
import trustme
from docs.pages import TESTED_ELSEWHERE, Block, blocks_of, pages
from docs.scenes import serving
from proxies import PASSWORD, USER, Proxies, running_proxies

import wirespeed
import wirespeed.compat
from wirespeed._opening import backoff

PAGES = [page for page in pages() if page.name not in TESTED_ELSEWHERE and blocks_of(page)]
HOST = re.compile(r"wss?://(?:user:password@)?(?:[\w.-]+\.example|example\.com)(?::\d+)?/?")
PROXY = re.compile(r"(\w+)://((?:user:password@)?)proxy\.example(?::\d+)?")


@pytest.fixture(autouse=True)
def without_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Connect again at once."""
    monkeypatch.setattr(backoff, "uniform", lambda low, high: 0.0)


@pytest.fixture(autouse=True)
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ca: trustme.CA) -> Path:
    """Make the files that the pages use, in the current directory."""
    monkeypatch.chdir(tmp_path)
    ca.cert_pem.write_to_path("ca.pem")
    ca.issue_cert("client").private_key_and_cert_chain_pem.write_to_path("client.pem")
    Path("recording.bin").write_bytes(b"0123456789" * 1000)
    return tmp_path


@pytest.fixture(scope="module")
def proxies(ca: trustme.CA, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxies]:
    with running_proxies(ca, tmp_path_factory.mktemp("proxies")) as running:
        yield running


def own_code(block: Block, url: str, request: pytest.FixtureRequest) -> str:
    """Return the code, with the addresses of servers of this machine."""
    code = HOST.sub(url, block.code)
    if PROXY.search(code):
        proxies = request.getfixturevalue("proxies")
        code = PROXY.sub(
            lambda it: proxies.url(it[1], f"{USER}:{PASSWORD}" if it[2] else None), code
        )
    return code


def free_names(code: str, page: Path) -> set[str]:
    """Return the names that the code uses and does not define."""
    tree = compile(code, page.name, "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT | ast.PyCF_ONLY_AST)
    names = [node for node in ast.walk(tree) if isinstance(node, ast.Name)]
    known = {node.id for node in names if isinstance(node.ctx, ast.Store)}
    known |= {node.arg for node in ast.walk(tree) if isinstance(node, ast.arg)}
    return {node.id for node in names} - known - set(dir(builtins))


async def with_connection(running: Any, names: dict[str, Any], url: str) -> None:
    """Run code that talks to a connection which stands for the reader's own."""
    async with wirespeed.connect(url) as ws:
        names["ws"] = ws
        result = running()
        if inspect.isawaitable(result):
            await result


async def finish(result: Coroutine[Any, Any, Any], names: dict[str, Any]) -> None:
    """Run code with `await` at its top level, and close what it leaves open."""
    try:
        await result
    finally:
        if "ws" in names:
            await names.pop("ws").close()


def run(code: str, page: Path, names: dict[str, Any], url: str) -> None:
    """Run a block: a program, definitions, or the inside of a coroutine."""
    compiled = compile(code, str(page), "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)

    def running() -> Any:
        return eval(compiled, names)

    if "ws" in free_names(code, page):
        asyncio.run(with_connection(running, names, url))
        return
    result = running()
    if inspect.iscoroutine(result):
        asyncio.run(finish(result, names))


@pytest.fixture
def run_blocks(
    request: pytest.FixtureRequest,
    server_ssl: ssl.SSLContext,
    capsys: pytest.CaptureFixture[str],
) -> Callable[[Path, list[Block]], None]:
    """Return the function that runs the blocks of a page."""

    def run_one(page: Path, block: Block, names: dict[str, Any]) -> None:
        place = f"{page.name}:{block.line}"
        with serving(block.server, server_ssl) as url:
            names["url"] = url
            code = own_code(block, url, request)
            capsys.readouterr()
            try:
                with ending(block, place):
                    run(code, page, names, url)
            except Exception as exc:
                exc.add_note(f"in the block at {place}")
                raise
            finally:
                # What was left open is noticed with its page.
                gc.collect()
                for library in ("websockets", "aiosonic"):
                    wirespeed.compat.uninstall(library)
        if block.prints is not None:
            assert capsys.readouterr().out == block.prints, place

    def run_all(page: Path, blocks: list[Block]) -> None:
        names: dict[str, Any] = {"asyncio": asyncio, "wirespeed": wirespeed}
        for block in blocks:
            if block.not_run is None:
                run_one(page, block, names)

    return run_all


@contextlib.contextmanager
def ending(block: Block, place: str) -> Iterator[None]:
    """Expect the exception that a block ends with, if any."""
    if block.raises is None:
        yield
        return
    try:
        yield
    except Exception as exc:
        if type(exc).__name__ != block.raises:
            raise
    else:
        pytest.fail(f"the block at {place} did not raise {block.raises}")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_blocks_run(page: Path, run_blocks: Callable[[Path, list[Block]], None]) -> None:
    run_blocks(page, blocks_of(page))


def test_a_block_that_is_not_run_has_a_reason() -> None:
    for page in pages():
        for block in blocks_of(page):
            assert block.not_run is None or len(block.not_run) > 20, f"{page.name}:{block.line}"


WRONG = {
    "it raises": "```python\nwirespeed.connecting(url)\n```\n",
    "it does not raise": "<!-- raises: ReadTimeout -->\n```python\npass\n```\n",
    "it raises another": "<!-- raises: ReadTimeout -->\n```python\n1 / 0\n```\n",
    "it prints": "```python\nprint(await ws.receive_text())\n```\n"
    "<!-- prints -->\n```text\nhello\n```\n",
}


@pytest.mark.parametrize("text", WRONG.values(), ids=WRONG)
def test_a_wrong_block_is_found(
    text: str, files: Path, run_blocks: Callable[[Path, list[Block]], None]
) -> None:
    page = files / "page.md"
    page.write_text(text, encoding="utf-8")
    [block] = blocks_of(page)
    with pytest.raises((Exception, pytest.fail.Exception)) as caught:
        run_blocks(page, [block])
    told = [str(caught.value), *getattr(caught.value, "__notes__", ())]
    assert any("page.md:1" in line or "page.md:2" in line for line in told)
