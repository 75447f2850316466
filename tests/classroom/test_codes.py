"""Codes, the limit for those who guess, and names."""

import math

import pytest

from mlpviz.classroom.codes import (
    LENGTH,
    LETTERS,
    MINUTE,
    MOST_WRONG,
    MOST_WRONG_TOGETHER,
    RefusedError,
    Tries,
    new_code,
    read_code,
    spoken,
)
from mlpviz.classroom.names import ANIMALS, COLORS, LONGEST, clean_name, free_name


def test_a_code_is_read_however_it_is_typed():
    code = new_code()
    assert len(code) == LENGTH and set(code) <= set(LETTERS)
    for typed in (code, code.lower(), spoken(code), f" {code[:2]}-{code[2:].lower()} "):
        assert read_code(typed) == code


def test_no_letter_of_a_code_looks_like_another_one():
    assert not set("0O1IL5S") & set(LETTERS) and len(set(LETTERS)) == len(LETTERS)


def test_guessing_one_of_a_hundred_classes_takes_days():
    """With as many wrong codes as the server lets through, half of the time."""
    tries = len(LETTERS) ** LENGTH / 100 / 2
    minutes = tries / MOST_WRONG_TOGETHER
    assert minutes / 60 / 24 > 7
    assert math.isclose(MINUTE, 60)


def test_after_too_many_wrong_codes_one_address_waits_a_minute():
    now = 0.0
    tries = Tries(lambda: now)
    for _ in range(MOST_WRONG):
        tries.check("a")
        tries.wrong("a")
    with pytest.raises(RefusedError, match="Wait a minute"):
        tries.check("a")
    tries.check("b")
    now = MINUTE + 1
    tries.check("a")


def test_where_addresses_are_not_known_only_the_sum_counts():
    """Behind a proxy on the same machine, all students have the same address."""
    tries = Tries(lambda: 0.0)
    for _ in range(MOST_WRONG_TOGETHER - 1):
        tries.wrong("")
    tries.check("")
    tries.wrong("")
    with pytest.raises(RefusedError):
        tries.check("")


def test_after_very_many_wrong_codes_everybody_waits():
    tries = Tries(lambda: 0.0)
    for i in range(MOST_WRONG_TOGETHER):
        tries.wrong(f"address {i}")
    with pytest.raises(RefusedError):
        tries.check("another one")


@pytest.mark.parametrize(
    ("typed", "shown"),
    [
        ("  Ada \n Lovelace ", "Ada Lovelace"),
        ("a\u202eb\u200bc\x07d", "a b c d"),  # it turns the line around; it can't be seen; it is a bell
        ("x" * 100, "x" * LONGEST),
        ("\u2066\u2069", ""),
        ("Žofie 李明 😀", "Žofie 李明 😀"),
    ],
)
def test_a_name_is_one_short_line_that_can_be_seen(typed, shown):
    assert clean_name(typed) == shown


def test_nobody_gets_the_name_of_another_one():
    assert free_name("Ada", ["ada", "ADA 2"]) == "Ada 3"
    long = "x" * LONGEST
    assert free_name(long, [long]) != long and len(free_name(long, [long])) <= LONGEST
    every = {f"{color} {animal}" for color in COLORS.split() for animal in ANIMALS.split()}
    assert free_name("", every - {"Amber Fox"}) == "Amber Fox"
    assert len(every) > 1500
    assert free_name("", every) not in every
