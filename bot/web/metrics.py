"""Counters for /metrics: no name, openid or text is ever a label."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram


class Metrics:
    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.messages = Counter(
            "xueban_messages",
            "Accepted messages by what became of them",
            ["channel", "type", "outcome"],
            registry=self.registry,
        )
        self.refused = Counter(
            "xueban_refused",
            "Callbacks that were not answered, by HTTP status",
            ["channel", "status"],
            registry=self.registry,
        )
        self.reply_seconds = Histogram(
            "xueban_reply_seconds",
            "From the request's arrival to the finished answer",
            ["channel"],
            buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 4.5, 5),
            registry=self.registry,
        )
        self.tick_age = Gauge(
            "xueban_tick_age_seconds",
            "Seconds since the scheduler's last tick",
            registry=self.registry,
        )
