"""The filter in front of the store may say "perhaps" too often, and "surely not" never wrongly."""

from tradehall.app.known_ids import KnownIds, sieve_of


def a_whole_filter(*ids):
    known = KnownIds()
    known.merge(sieve_of(ids))
    return known


def test_an_id_that_was_used_is_never_denied():
    earlier = [(700100, f"old-{number}") for number in range(20_000)]
    known = a_whole_filter(*earlier)
    for number in range(20_000):
        known.add(700001, f"new-{number}")
    assert all(known.may_hold(*each) for each in earlier)
    assert all(known.may_hold(700001, f"new-{number}") for number in range(20_000))


def test_ids_added_while_earlier_ones_are_read_are_kept():
    known = KnownIds()
    known.add(700100, "while reading")
    known.merge(sieve_of([(700100, "earlier")]))
    assert known.may_hold(700100, "while reading")
    assert known.may_hold(700100, "earlier")


def test_nothing_is_denied_before_earlier_ids_are_in():
    assert KnownIds().may_hold(700100, "whatever")


def test_nearly_all_unused_ids_are_denied():
    known = a_whole_filter(*((700100, f"used-{number}") for number in range(50_000)))
    wrongly = sum(known.may_hold(700100, f"unused-{number}") for number in range(50_000))
    assert wrongly < 50, f"{wrongly} of 50,000 unused ids would be looked up"


def test_the_same_id_on_another_account_is_another_id():
    known = a_whole_filter((700100, "mine"))
    assert not known.may_hold(700001, "mine")
