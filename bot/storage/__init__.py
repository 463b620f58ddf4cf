"""Tables, sessions, migrations and backups, on SQLite and PostgreSQL."""
