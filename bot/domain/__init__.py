"""Rules: frozen dataclasses and pure functions of (state, input, now)."""
