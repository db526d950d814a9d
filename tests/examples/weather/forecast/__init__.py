"""Trips that wait for good weather."""
