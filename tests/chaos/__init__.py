"""Whole services that are killed at random, with their database, while clients go on; judged by SQL at rest."""
