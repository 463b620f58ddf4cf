"""Chat words in, a service call, chat words out. ROUTERS: the order is the priority."""

from bot.routing import Router
from handlers import binding, check_in, fallback, help, paging

ROUTERS: tuple[Router, ...] = (
    check_in.router,
    binding.router,
    paging.router,
    help.router,
    fallback.router,
)
