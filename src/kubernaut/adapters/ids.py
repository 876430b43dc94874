"""Chance."""

from __future__ import annotations

import secrets

from kubernaut.ports import Ids

# No 0, 1, l and o: an id is read aloud and typed. Ten of these are 50 bits.
_ALPHABET = "23456789abcdefghijkmnpqrstuvwxyz"
_LENGTH = 10


class RandomIds(Ids):
    """Ids that nobody guesses and two processes do not share."""

    def new(self, prefix: str) -> str:
        """Such as `inc-4f7k2m9qax`."""
        return f"{prefix}-{''.join(secrets.choice(_ALPHABET) for _ in range(_LENGTH))}"
