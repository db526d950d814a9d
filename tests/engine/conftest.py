"""What all walks share."""

from tests.ahead import ahead as ahead
