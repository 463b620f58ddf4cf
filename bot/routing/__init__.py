"""From a message to its reply: routers, the handlers' context, and the one transaction."""

from bot.routing.context import Context
from bot.routing.dispatcher import RATE_LIMIT, Dispatched, Dispatcher
from bot.routing.router import Command, Payload, Router

__all__ = ["RATE_LIMIT", "Command", "Context", "Dispatched", "Dispatcher", "Payload", "Router"]
