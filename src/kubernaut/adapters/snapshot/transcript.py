"""stub"""

from __future__ import annotations

from kubernaut.adapters.snapshot.contents import Collection


def is_transcript(text: str) -> bool:
    return False


class Transcript:
    def read(self, name: str, text: str) -> None: ...
    def finish(self, collection: Collection) -> None: ...
