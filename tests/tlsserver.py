"""A server's side of TLS over a raw connection: it sends its alerts, as real servers do.

asyncio's own TLS ends the connection without them.
"""

from __future__ import annotations

import ssl

from rawserver import Handler, RawConnection


def shaking_hands(context: ssl.SSLContext) -> Handler:
    """Return a handler that does the server's part of the TLS handshake, and no more."""

    async def handle(connection: RawConnection) -> None:
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        server = context.wrap_bio(incoming, outgoing, server_side=True)
        is_over = False
        while not is_over:
            try:
                server.do_handshake()
                is_over = True
            except ssl.SSLWantReadError:
                pass
            except ssl.SSLError:
                is_over = True
            await connection.write(outgoing.read())
            if not is_over:
                data = await connection.reader.read(65536)
                is_over = not data
                incoming.write(data)

    return handle
