import pytest

from legato_operator import queries


@pytest.mark.parametrize(
    ("query", "metric"),
    [
        (queries.players_of_bot("music", "melody"), "legato_audio_players"),
        (queries.players_of_nodes("music", "berlin"), "lavalink_playing_players_total"),
        (queries.deficit_of_nodes("music", "berlin"), "legato_node_frames_nulled_total"),
    ],
)
def test_a_question_is_about_one_resource(query: str, metric: str) -> None:
    assert metric in query
    assert 'namespace="music"' in query
    assert 'legato_dev_bot="melody"' in query or 'legato_dev_nodes="berlin"' in query
    assert "{{" not in query
