"""The versions, in order of their numbers."""
