from __future__ import annotations

from kubernaut.auditing import Auditor
from kubernaut.domain.chain import Broken, Checked, Recorded
from tests.examples import NOON

BAD = Broken(Recorded(7, "inc-1", "k", "closed", NOON, "", "", "{}", "no such hash"), "is changed")


class Log:
    """Answers with what is laid out, and keeps where each walk began."""

    def __init__(self, *answers: Checked) -> None:
        self.answers = list(answers)
        self.begun: list[int] = []

    async def checked(self, *, expected_head: str = "", since: Checked | None = None) -> Checked:
        assert not expected_head
        self.begun.append(since.last_seq if since else 0)
        return self.answers.pop(0)


async def test_new_events_are_checked_from_where_the_last_walk_ended() -> None:
    log = Log(Checked(5, 5, "a"), Checked(9, 9, "b"), Checked(9, 9, "b"))
    auditor = Auditor(log)

    await auditor.walk(whole=True)
    await auditor.walk(whole=False)
    await auditor.walk(whole=True)

    assert log.begun == [0, 5, 0]


async def test_a_broken_chain_stays_broken_until_a_whole_walk_holds() -> None:
    log = Log(Checked(6, 6, "a", BAD), Checked(6, 6, "a", BAD), Checked(9, 9, "b"))
    auditor = Auditor(log)

    assert not (await auditor.walk(whole=False)).is_whole
    assert not (await auditor.walk(whole=False)).is_whole
    assert (await auditor.walk(whole=False)).is_whole
    assert log.begun == [0, 0, 0]
