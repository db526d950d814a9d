"""What the context of an element instance says about how far it has come, where several kinds of elements say it."""

from __future__ import annotations

ASKED = "asked"
"""A job is open that asks what is to be done."""
FAILED = "failed"
"""Its completion condition could not be evaluated: until that is resolved, nothing is evaluated or asked for."""
GATHERING = "waiting"
"""A token waits until as many have arrived as its activity needs, or until that is selected."""
GONE_ON = "gone on"
"""A token stays though its flows have gone on."""
JOINED = "joined"
"""A token has waited at a gateway for others, and goes on for all of them."""
OVER = "over"
"""What is inside is over, or ends with the last of what is active."""
