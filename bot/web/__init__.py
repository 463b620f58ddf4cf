"""The HTTP side: callbacks, health and metrics."""
