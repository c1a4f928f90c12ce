"""The store in SQLite: the connection, its file, the tables, all statements, copies and the doctor."""
