"""Things that say the same but for numbers."""

import pytest

from chaoscore.fold.groups import KINDS, Groups, shape


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("213 threads, limit 200", "9 threads, limit 200"),
        ("took 1.5 s", "took 22 s"),
        ("job 550e8400-e29b-41d4-a716-446655440000 lost", "job 00112233-4455-6677-8899-aabbccddeeff lost"),
        ("<Bot at 0x7f3a>", "<Bot at 0x11bc0>"),
        ("at 12:31:02", "at 9:00"),
        ("1,204 rows", "3 rows"),
    ],
)
def test_messages_of_one_shape(one: str, other: str) -> None:
    """Messages that differ in numbers, addresses and UUIDs have one shape."""
    assert shape(one) == shape(other)


def test_messages_of_two_shapes() -> None:
    """Messages that differ in words do not share a shape."""
    assert shape("too many threads") != shape("too many tasks")


def test_the_end_of_a_long_message_is_not_compared() -> None:
    """The shape of a huge message stays small."""
    assert len(shape("x" * 1_000_000)) == 500


def test_groups_are_bounded_for_each_owner_and_class() -> None:
    """One noisy owner, or one noisy class of things, does not push out the others."""
    groups: Groups[str] = Groups()
    for number in range(KINDS + 10):
        groups.add("noisy", "injected", str(number), f"thing {number}")
    groups.add("noisy", "real", "a", "real thing")
    groups.add("quiet", "injected", "a", "quiet thing")
    assert len(groups) == KINDS + 3
    rest = [group for group in groups if group.is_rest]
    assert [(group.owner, group.count, group.first, group.last) for group in rest] == [
        ("noisy", 10, f"thing {KINDS}", f"thing {KINDS + 9}")
    ]


def test_a_known_message_finds_its_group_when_the_room_is_taken() -> None:
    """Only new messages go to the rest."""
    groups: Groups[int] = Groups()
    for number in range(KINDS * 2):
        groups.add("x", None, str(number % (KINDS + 1)), number)
    first = next(iter(groups))
    assert (first.count, first.first, first.last) == (2, 0, KINDS + 1)
