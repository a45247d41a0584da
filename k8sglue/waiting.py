"""Services that wait, and which of them something that happened may help.

A Service waits for one or more *hopes*, all hashable values: the searches that found nothing. Services with the same
hope would be helped by the same things, so they stand in line for it. A hope depends on *topics*: the free addresses of
a pool, the Services of an address. Whatever happens to a topic is noted, and costs nothing if nobody waits for it.

`take` then looks at each topic that something happened to, and at each hope that depends on it, and takes as many
Services out of the lines as there were happenings, provided that the hope can be met now. After that it asks again
each time it is called, one Service at a time, until no hope of the topic can be met. So who waits in vain is not
disturbed, nobody waits whom something could help, and a thousand Services that wait for one address are not all
asked because it was given back.
"""

import itertools
from collections.abc import Callable, Hashable, Iterable
from typing import Generic, TypeVar

import attrs

from k8sglue.resources import Key

Hope = TypeVar("Hope", bound=Hashable)
Topic = TypeVar("Topic", bound=Hashable)


@attrs.define
class WaitingRoom(Generic[Hope, Topic]):
    """Lines of Services by hope, and hopes by topic."""

    _hopes: dict[Key, tuple[Hope, ...]] = attrs.field(init=False, factory=dict)
    """What each Service waits for."""
    _lines: dict[Hope, dict[Key, None]] = attrs.field(init=False, factory=dict)
    """Who waits for each hope, the first one first."""
    _topics: dict[Hope, tuple[Topic, ...]] = attrs.field(init=False, factory=dict)
    """What each hope depends on."""
    _by_topic: dict[Topic, dict[Hope, None]] = attrs.field(init=False, factory=dict)
    """The hopes that depend on each topic."""
    _happened: dict[Topic, int] = attrs.field(init=False, factory=dict)
    """How often something happened to topics that somebody waits for."""

    def __contains__(self, key: Key) -> bool:
        return key in self._hopes

    def wait(self, key: Key, hopes: Iterable[Hope], topics: Callable[[Hope], Iterable[Topic]]) -> None:
        """Let a Service, which waits for nothing yet, wait for these hopes; `topics` tells what one depends on."""
        self._hopes[key] = tuple(dict.fromkeys(hopes))
        for hope in self._hopes[key]:
            line = self._lines.setdefault(hope, {})
            if not line:
                self._topics[hope] = tuple(dict.fromkeys(topics(hope)))
                for topic in self._topics[hope]:
                    self._by_topic.setdefault(topic, {})[hope] = None
            line[key] = None

    def leave(self, key: Key) -> None:
        """Let a Service wait no longer, if it does."""
        for hope in self._hopes.pop(key, ()):
            line = self._lines[hope]
            del line[key]
            if not line:
                del self._lines[hope]
                for topic in self._topics.pop(hope):
                    self._forget(topic, hope)

    def note(self, topic: Topic) -> None:
        """Note that something happened to a topic that may help who waits for it."""
        if topic in self._by_topic:
            self._happened[topic] = self._happened.get(topic, 0) + 1

    def is_awaited(self, topic: Topic) -> bool:
        """Tell whether somebody's hope depends on a topic."""
        return topic in self._by_topic

    def take(self, can_be_met: Callable[[Hope], bool]) -> set[Key]:
        """Take out who may be helped by what happened: they are to be settled, and then to wait again if need be.

        To be called again after that, until it returns nobody.
        """
        taken: set[Key] = set()
        for topic, limit in list(self._happened.items()):
            helped = self._take_from(topic, limit, can_be_met)
            if helped and topic in self._by_topic:
                self._happened[topic] = 1
            else:
                self._happened.pop(topic, None)
            taken |= helped
        return taken

    def _take_from(self, topic: Topic, limit: int, can_be_met: Callable[[Hope], bool]) -> set[Key]:
        taken: set[Key] = set()
        for hope in self._by_topic.get(topic, ()):
            if len(taken) == limit:
                break
            if can_be_met(hope):
                first = itertools.filterfalse(taken.__contains__, self._lines[hope])
                taken.update(itertools.islice(first, limit - len(taken)))
        for key in taken:
            self.leave(key)
        return taken

    def _forget(self, topic: Topic, hope: Hope) -> None:
        hopes = self._by_topic[topic]
        del hopes[hope]
        if not hopes:
            del self._by_topic[topic]
            self._happened.pop(topic, None)
