"""Durable runs on DBOS's system database, in SQLite or Postgres; `opening` opens one."""
