"""Testing processes: the engine in a test, what tests say and see, and what they have gone through."""
