"""The GraphQL server, for gql's transport on aiohttp."""

from __future__ import annotations

from programs.servers.gql_subscriptions import PLAN, SUBPROTOCOLS, session

__all__ = ["PLAN", "SUBPROTOCOLS", "session"]
