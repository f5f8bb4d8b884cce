"""Sound through a line of filters, in FFmpeg's filter graph; knows no filter's meaning."""

import av
import av.filter
from av.filter.context import FilterContext

from legato.node.media.filters import Filter, Line, Mix
from legato.node.media.samples import FORMAT, LAYOUT, RATE, TIME_BASE
from legato.node.rtp import SAMPLES


class Chain:
    """A line's filters, with their state; an empty one passes sound on."""

    def __init__(self, line: Line) -> None:
        self._graph = _graph(line) if line else None
        self._count = 0
        self._over = False

    def filter(self, sound: av.AudioFrame) -> list[av.AudioFrame]:
        """Filter 20 ms; gives what is ready."""
        if self._graph is None:
            return [sound]
        sound.sample_rate, sound.time_base, sound.pts = RATE, TIME_BASE, self._count * SAMPLES
        self._count += 1
        self._graph.push(sound)
        return self._pull(self._graph)

    def flush(self) -> list[av.AudioFrame]:
        """Give what the filters still hold; nothing can be filtered any more."""
        if self._graph is None or self._over or not self._count:
            return []
        self._over = True
        self._graph.push(None)
        return self._pull(self._graph)

    def _pull(self, graph: av.filter.Graph) -> list[av.AudioFrame]:
        ready: list[av.AudioFrame] = []
        while True:
            try:
                pulled = graph.pull()
            except (BlockingIOError, EOFError):
                return ready
            if isinstance(pulled, av.AudioFrame):
                ready.append(pulled)


def _graph(line: Line) -> av.filter.Graph:
    """Build; samples beyond full scale are clipped by the format at the end."""
    graph = av.filter.Graph()
    source = graph.add_abuffer(sample_rate=RATE, format=FORMAT, layout=LAYOUT, time_base=TIME_BASE)
    begin = Filter("aformat", "sample_fmts=flt")
    end = Filter("aformat", f"sample_fmts={FORMAT}:channel_layouts={LAYOUT}:sample_rates={RATE}")
    last = _append(graph, source, (begin, *line, end))
    last.link_to(graph.add("abuffersink"))
    graph.configure()
    return graph


def _append(graph: av.filter.Graph, last: FilterContext, line: Line, pad: int = 0) -> FilterContext:
    """Add a line behind one output of a filter; gives the last filter."""
    for part in line:
        if isinstance(part, Mix):
            last = _mix(graph, last, part, pad)
        else:
            added = graph.add(part.name, part.arguments)
            last.link_to(added, pad, 0)
            last = added
        pad = 0
    return last


def _mix(graph: av.filter.Graph, last: FilterContext, mix: Mix, pad: int) -> FilterContext:
    split = graph.add("asplit", str(len(mix.lines)))
    last.link_to(split, pad, 0)
    summed = graph.add("amix", f"inputs={len(mix.lines)}:normalize=0")
    for index, line in enumerate(mix.lines):
        end = _append(graph, split, line, index)
        end.link_to(summed, 0 if line else index, index)
    return summed
