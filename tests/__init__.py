"""Tests drive real HTTP, real signatures and real databases; nothing of ours is patched."""
