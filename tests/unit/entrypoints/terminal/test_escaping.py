import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from kubernaut.entrypoints.terminal.escaping import quoted, visible, without_middle, wrapped


def test_escape_codes_from_the_cluster_are_written_out() -> None:
    assert visible("\x1b[31mred\x1b]8;;http://evil\x07") == "\\x1b[31mred\\x1b]8;;http://evil\\x07"


def test_line_breaks_do_not_break_the_line() -> None:
    assert visible("one\ntwo\r\n\tthree") == "one\\ntwo\\r\\n\\tthree"


def test_characters_that_turn_the_writing_direction_are_written_out() -> None:
    assert visible("a\u202egnp.exe") == "a\\u202egnp.exe"


@given(st.text())
def test_no_text_whatever_keeps_a_character_that_acts_on_a_terminal(text: str) -> None:
    shown = visible(text)
    assert not {unicodedata.category(char) for char in shown} & {"Cc", "Cf", "Cs", "Zl", "Zp"}


@given(st.text(alphabet=st.characters(codec="ascii", categories=["L", "N", "P"])))
def test_plain_text_stays_as_it_is(text: str) -> None:
    assert visible(text) == text


def test_long_log_lines_are_cut_with_the_number_left_out() -> None:
    assert quoted("x" * 512) == "x" * 200 + " +312"


def test_pod_names_lose_their_middle() -> None:
    assert without_middle("checkout-7d9f8b6c4-abx2x", 13) == "checkout-…x2x"


@given(st.text(min_size=1, max_size=80), st.integers(min_value=4, max_value=90))
def test_a_shortened_name_fits(name: str, width: int) -> None:
    assert len(without_middle(name, width)) <= width


def test_nothing_is_cut_in_a_pipe() -> None:
    assert without_middle("a" * 300, None) == "a" * 300
    assert wrapped("word " * 60, None, indent="  ") == ["  " + "word " * 60]


def test_commands_and_paths_stay_whole_when_text_wraps() -> None:
    path = "/a/very/long/path/that/is/wider/than/the/terminal/itself/is/today"
    assert path in [line.strip() for line in wrapped(f"look at {path} now", 40)]
