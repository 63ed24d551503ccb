from enum import StrEnum

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chaoscore.redact import expand, redact, redact_all


def test_a_variable_is_replaced_and_remembered() -> None:
    """Text from the environment is put in and known as a secret from then on."""
    secrets: set[str] = set()
    assert expand("postgres://${USER}@${HOST}/db", {"USER": "me", "HOST": "there"}, secrets) == "postgres://me@there/db"
    assert secrets == {"me", "there"}


def test_an_escaped_reference_stays() -> None:
    """Two dollar signs make the characters themselves, and nothing secret."""
    secrets: set[str] = set()
    assert expand("$${HOME} $HOME ${HOME}", {"HOME": "/root"}, secrets) == "${HOME} $HOME /root"


def test_values_are_not_expanded_again() -> None:
    """A value that looks like a reference is a value."""
    assert expand("${A}", {"A": "${B}", "B": "x"}, set()) == "${B}"


@pytest.mark.parametrize("text", ["${}", "${a-b}", "${1}", "${open", "${ A }"])
def test_what_is_no_name_is_an_error(text: str) -> None:
    """Braces around anything but a name are a mistake that says how to write the characters themselves."""
    with pytest.raises(ValueError, match=r"names no environment variable; write \$\{NAME\}, or \$\$\{"):
        expand(text, {}, set())


def test_a_variable_that_is_not_set_is_an_error() -> None:
    """A missing variable is named; it is not the empty text."""
    with pytest.raises(ValueError, match="the environment variable TOKEN is not set"):
        expand("${TOKEN}", {}, set())


@pytest.mark.parametrize(
    ("secret", "text"),
    [
        ("hunter2", "it said hunter2"),
        ('a"b\\c', r'{"token": "a\"b\\c"}'),
        ("it's", repr("it's \"")),
        ("p@ss word", "postgres://me:p%40ss%20word@host/db"),
        ("zürich", '{"city": "z\\u00fcrich"}'),
        ("postgres://me:hunter2@host/db", "password authentication failed: hunter2"),
        ("host=h password='hunter2' user=u", "got hunter2"),
    ],
)
def test_a_secret_is_found_in_every_form(secret: str, text: str) -> None:
    """A secret is masked as it is, quoted, in JSON, in an address; and so is a password inside it."""
    assert "***" in redact(text, {secret})
    assert "hunter2" not in redact(text, {secret})


def test_the_longest_secret_goes_first() -> None:
    """A secret that begins with another leaves no tail behind."""
    assert redact("abcdefgh", {"abcd", "abcdefgh"}) == "***"


def test_a_short_secret_is_masked_as_a_word_only() -> None:
    """A secret of a few characters is masked where it stands alone, and does not spoil numbers around it."""
    assert redact("8 workers, 80 %, x8", {"8"}) == "*** workers, 80 %, x8"


def test_an_empty_secret_masks_nothing() -> None:
    """An empty variable is no secret."""
    assert redact("text", {"", " "}) == "text"


class Level(StrEnum):
    OK = "okay"


class Entry(msgspec.Struct, frozen=True):
    level: Level
    text: str
    inner: tuple["Entry", ...] = ()
    detail: dict[str, object] = {}
    rerun: str = ""


def test_texts_of_events_are_masked_and_nothing_else() -> None:
    """In a structure, texts are masked at any depth; enums and the command that reproduces stay exact."""
    entry = Entry(Level.OK, "okay 5", (Entry(Level.OK, "okay"),), {"n": 5, "x": {"okay"}}, "run okay.py --seed 5")
    masked = redact_all(entry, {"okay", "5"})
    expected = Entry(Level.OK, "*** ***", (Entry(Level.OK, "***"),), {"n": 5, "x": "{'***'}"}, "run okay.py --seed 5")
    assert masked == expected


def test_everything_in_a_structure_is_masked() -> None:
    """Texts in lists, tuples and dicts are masked, keys too; what is no text stays."""
    value = {"hunter2": ["x hunter2", ("hunter2", 5)], "n": None}
    assert redact_all(value, {"hunter2"}) == {"***": ["x ***", ("***", 5)], "n": None}


@given(st.text(min_size=4, max_size=12), st.text(max_size=20), st.text(max_size=20))
def test_no_secret_survives(secret: str, before: str, after: str) -> None:
    """Wherever a secret of some length stands, it is gone afterwards, unless the mask itself spells it."""
    if secret.strip() and not set(secret) <= {"*"}:
        masked = redact(f"{before}{secret}{after}", {secret})
        assert secret not in masked.replace("***", "\0")
