"""Peers written by others: how they are installed, started and asked."""
