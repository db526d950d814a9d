"""An online shop."""
