"""Contacts that come as files."""
