"""Services that share a database, as those of several processes do: the same fixtures as for the store."""

from tests.store.conftest import config, database_url, emptied, other, postgres, service

__all__ = ["config", "database_url", "emptied", "other", "postgres", "service"]
