"""What an answer's words say was done."""

import pytest

from legato.contracts import actions
from legato.contracts.tracks import NowPlaying, QueueItem, Track
from legato.gateway import answers
from legato_machine.oracle.sayings import Said, read

TRACK = Track(encoded="x", identifier="x", title="Playing *again*.", length=60_000)
NOTHING = NowPlaying(guild_id=1, revision=1, as_of=0)


PLAYING = NowPlaying(guild_id=1, revision=1, as_of=0, track=TRACK)


def page(total: int, now: NowPlaying = NOTHING) -> actions.QueuePage:
    items = tuple(
        QueueItem(id=str(number), rank=number, requester_id=1, added_at=0, track=TRACK)
        for number in range(total)
    )
    return actions.QueuePage(now=now, items=items, page=1, pages=1, total=total, length=0)


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (actions.Queued(track=TRACK, place=0), Said("queued")),
        (actions.Queued(track=TRACK, place=3, wait=1000), Said("queued")),
        (actions.Done(what="paused"), Said("paused")),
        (actions.Done(what="paused", already=True), Said("already paused")),
        (actions.Done(what="resumed"), Said("resumed")),
        (actions.Done(what="resumed", already=True), Said("already resumed")),
        (actions.Done(what="skipped", track=TRACK), Said("skipped")),
        (actions.Done(what="stopped"), Said("stopped")),
        (actions.Done(what="stopped", already=True), Said("already stopped")),
        (actions.Done(what="sought", track=TRACK, value=1000), Said("sought")),
        (actions.Done(what="volume", value=70), Said("volume", number=70)),
        (actions.Done(what="volume", value=70, already=True), Said("volume", number=70)),
        (actions.Done(what="left"), Said("left")),
        (actions.Done(what="left", already=True), Said("already left")),
        (actions.Refused(reason="nothing_playing"), Said("refused", "nothing_playing")),
        (actions.Refused(reason="load_failed", detail="no"), Said("refused", "load_failed")),
        (page(0), Said("page", number=0)),
        (page(0, PLAYING), Said("page", number=0)),
        (page(1), Said("page", number=1)),
        (page(3, PLAYING), Said("page", number=3)),
        (page(7), Said("page", number=7)),
        (actions.NowShown(now=NOTHING), Said("shown")),
    ],
)
def test_each_answer_is_read_as_what_it_says(answer: actions.Answer, said: Said) -> None:
    shown = answers.message(answer, "en-US")
    embeds = shown.get("embeds", [])
    assert isinstance(embeds, list)
    words = [str(shown.get("content", ""))]
    for embed in embeds:
        words += [embed.get("title", ""), embed.get("description", "")]
        words.append(embed.get("footer", {}).get("text", ""))

    assert read("\n".join(word for word in words if word)) == said
