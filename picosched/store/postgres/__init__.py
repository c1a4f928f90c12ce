"""The store in PostgreSQL: the session, its lock, the tables, all statements, and copies into SQLite."""
