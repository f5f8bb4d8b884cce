from legato.store import profiles
from legato.store.profiles import Profile


async def test_a_person_is_noted_and_their_plays_add_up(database):
    await profiles.note(database, 1, [Profile(user_id=7, locale="de", plays=2)])
    await profiles.note(
        database,
        1,
        [Profile(user_id=8, locale="en-US"), Profile(user_id=7, locale="fr", plays=1)],
    )

    assert await profiles.load(database, 1, 7) == Profile(user_id=7, locale="fr", plays=3)
    assert await profiles.load(database, 1, 8) == Profile(user_id=8, locale="en-US", plays=0)
    assert await profiles.load(database, 1, 9) is None
