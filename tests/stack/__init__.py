"""The private servers that tests and the demo run on.

Each module is one server, or one tool around them. A server is a context manager: entering it
starts real processes on free ports of 127.0.0.1 and returns when they answer; leaving it ends them
by pid. Everything they write is in one private folder that goes away (process.Folder).

    with Folder() as folder, PostgreSQL(folder) as postgres:
        postgres.connect("admin", postgres.admin_password).query("SELECT 1")
"""
