"""Runs `async def` tests on every event loop, and fails those that leave something behind.

The fixtures are what many tests vary: certificates, the kind of transport, the server's package.
"""

from __future__ import annotations

import gc
import importlib
import ssl
from collections.abc import Iterator

import pytest
import trustme
from ends import Tls
from looprunner import LOOP_FACTORIES, DeadlineOfProcess, is_async_test, run_async_test
from servers import SERVERS, ServerFactory

import wirespeed._network.transport


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers", "deadline(seconds): how long an async test may run; 60 seconds without it"
    )
    config.addinivalue_line(
        "markers", "loops(*names): the event loops an async test runs on; all without it"
    )
    config.stash[_DEADLINE] = DeadlineOfProcess()


def pytest_unconfigure(config: pytest.Config) -> None:
    config.stash[_DEADLINE].close()


_DEADLINE = pytest.StashKey[DeadlineOfProcess]()


def pytest_collection_finish() -> None:
    """Exempt the objects that exist now from the garbage collection after each async test.

    Modules and test items live for good. Checking them after each test took half of the run.
    """
    gc.collect()
    gc.freeze()


@pytest.hookimpl(tryfirst=True)
def pytest_pycollect_makeitem(name: str, obj: object) -> None:
    """Make each async test depend on `event_loop_name`, which parametrises it."""
    if name.startswith("test") and is_async_test(obj):
        pytest.mark.usefixtures("event_loop_name")(getattr(obj, "__func__", obj))


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if is_async_test(metafunc.function):
        marker = metafunc.definition.get_closest_marker("loops")
        names = marker.args if marker is not None else tuple(LOOP_FACTORIES)
        metafunc.parametrize("event_loop_name", names, scope="function", indirect=True)


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Run an async test, instead of pytest's plain call."""
    if not is_async_test(pyfuncitem.obj):
        return None
    marker = pyfuncitem.get_closest_marker("deadline")
    seconds = 60.0 if marker is None else float(marker.args[0])
    # As pytest does for a plain test, pass the test's own arguments, not every fixture in use.
    arguments = {name: pyfuncitem.funcargs[name] for name in pyfuncitem._fixtureinfo.argnames}
    loop_name = str(pyfuncitem.funcargs["event_loop_name"])
    with pyfuncitem.config.stash[_DEADLINE].armed(seconds):
        run_async_test(
            pyfuncitem.nodeid,
            LOOP_FACTORIES[loop_name],
            lambda: pyfuncitem.obj(**arguments),
            seconds,
        )
    return True


@pytest.fixture
def event_loop_name(request: pytest.FixtureRequest) -> str:
    """Return the name of the event loop that the test runs on."""
    name: str = request.param
    return name


@pytest.fixture(scope="session")
def ca() -> trustme.CA:
    """Return a certificate authority that is trusted nowhere else."""
    return trustme.CA()


@pytest.fixture(scope="session")
def server_ssl(ca: trustme.CA) -> ssl.SSLContext:
    """Return a server's context with a certificate for `localhost` and 127.0.0.1."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ca.issue_cert("localhost", "127.0.0.1").configure_cert(context)
    return context


@pytest.fixture(scope="session")
def client_ssl(ca: trustme.CA) -> ssl.SSLContext:
    """Return a client's context that trusts only the certificate authority of the tests."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    ca.configure_trust(context)
    return context


@pytest.fixture(params=["fast", "stock"])
def transports(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run the test with the fastest transports, then with those of the event loop itself."""
    if request.param == "stock":
        monkeypatch.setattr(wirespeed._network.transport, "_calls_readers", lambda loop: False)
    else:
        # This is a test dependency. Without it, this case would silently be the same as the other.
        importlib.import_module("aiofastnet")


@pytest.fixture
def silence(capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Fail if the test prints or logs anything."""
    yield
    assert tuple(capfd.readouterr()) == ("", "")
    assert caplog.messages == []


@pytest.fixture(params=["plain", "tls"])
def tls(
    request: pytest.FixtureRequest, server_ssl: ssl.SSLContext, client_ssl: ssl.SSLContext
) -> Tls:
    """Return the contexts for both ends, or `None` for a plain connection."""
    return Tls(server_ssl, client_ssl) if request.param == "tls" else Tls(None, None)


@pytest.fixture(params=SERVERS)
def serve(request: pytest.FixtureRequest) -> ServerFactory:
    """Return the function that starts a server of one package."""
    return SERVERS[request.param]
