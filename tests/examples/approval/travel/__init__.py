"""Trips of employees."""
