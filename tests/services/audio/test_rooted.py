from legato.audio.rooted import FORGOTTEN_AFTER, Rooted


def test_a_play_is_rooted_for_a_while_before_the_node_that_did_not_begin_it() -> None:
    rooted = Rooted()
    rooted.note(1, "1-1", "n2", now=1_000)

    assert rooted.refusers(1, "1-1", now=1_000 + FORGOTTEN_AFTER - 1) == {"n2"}
    assert rooted.refusers(1, "1-1", now=1_000 + FORGOTTEN_AFTER) == set()
    assert rooted.refusers(1, "1-2", now=1_000) == set()
    assert rooted.refusers(2, "1-1", now=1_000) == set()


def test_guilds_that_are_no_more_and_what_was_long_ago_are_forgotten() -> None:
    rooted = Rooted()
    for guild in (1, 2):
        rooted.note(guild, "1-1", "n2", now=guild)

    rooted.keep({2, 3}, now=2)
    assert list(rooted._until) == [(2, "1-1", "n2")]

    rooted.keep({2, 3}, now=2 + FORGOTTEN_AFTER)
    assert not rooted._until
