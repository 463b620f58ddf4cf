"""Alembic migrations; one file a version."""
