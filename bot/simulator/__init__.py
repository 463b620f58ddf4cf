"""The platform, played locally. Shares no code with what it tests but errors and clock."""
