"""How fast something may be done, for each key."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from bot.domain.pace import Pace

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)


def test_the_twentieth_fits_and_the_next_waits_for_the_first_to_be_a_minute_old() -> None:
    pace = Pace([(20, MINUTE)])
    for second in range(20):
        assert pace.next_free("a", START + second * SECOND) == START + second * SECOND
        assert pace.take("a", START + second * SECOND)
    now = START + 20 * SECOND
    assert pace.next_free("a", now) == START + MINUTE
    assert not pace.take("a", now)
    assert pace.take("b", now), "another key is not held up"
    assert not pace.take("a", START + MINUTE - timedelta(microseconds=1))
    assert pace.take("a", START + MINUTE)
    assert pace.next_free("a", START + MINUTE) == START + MINUTE + SECOND


def test_the_longer_limit_holds_when_the_shorter_has_room() -> None:
    pace = Pace([(3, MINUTE), (5, HOUR)])
    taken = [minute for minute in range(10) if pace.take("a", START + minute * MINUTE)]
    assert taken == [0, 1, 2, 3, 4]
    assert pace.next_free("a", START + 9 * MINUTE) == START + HOUR


@given(
    st.lists(st.tuples(st.integers(1, 4), st.integers(1, 30)), min_size=1, max_size=3),
    st.lists(st.tuples(st.sampled_from("ab"), st.integers(0, 12)), max_size=60),
)
def test_no_stretch_ever_holds_more_than_its_limit_and_no_room_is_refused(
    limits: list[tuple[int, int]], tries: list[tuple[str, int]]
) -> None:
    pace = Pace([(count, span * SECOND) for count, span in limits])
    now, taken = START, {"a": [START][:0], "b": [START][:0]}
    for key, seconds in tries:
        now += seconds * SECOND
        fits = all(
            sum(time > now - span * SECOND for time in taken[key]) < count for count, span in limits
        )
        free = pace.next_free(key, now)
        assert (free == now) is fits
        assert pace.take(key, now) is fits
        if fits:
            taken[key].append(now)
        else:
            assert free > now
            assert not pace.take(key, free - timedelta(microseconds=1))


def test_a_clock_that_was_set_back_holds_nobody_up_for_longer_than_the_span() -> None:
    pace = Pace([(2, MINUTE)])
    assert pace.take("a", START)
    assert pace.take("a", START)
    back = START - 5 * HOUR
    assert pace.next_free("a", back) == back + MINUTE
    assert pace.take("a", back + MINUTE)


def test_keys_are_forgotten_when_they_are_old_or_too_many() -> None:
    pace = Pace([(1, MINUTE)], most_keys=3)
    for number in range(4):
        assert pace.take(str(number), START + number * SECOND)
    now = START + 4 * SECOND
    assert pace.take("0", now), "the oldest of four was forgotten"
    assert not pace.take("2", now)
    assert not pace.take("3", now)


def test_of_many_threads_only_so_many_get_through() -> None:
    pace = Pace([(30, MINUTE)])
    with ThreadPoolExecutor(8) as pool:
        taken = list(pool.map(lambda _: pace.take("a", START), range(200)))
    assert sum(taken) == 30
