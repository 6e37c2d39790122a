"""What a recogniser makes of an utterance: a noise model of our own, in levels.

It hears sounds and writes words: a character becomes another of the same sound, or of one that speakers of some
dialects do not tell apart, and the better its neighbours fit it the sooner. Particles are dropped, fillers heard,
numbers run together or said in words, and the beginning or the end is cut off. Spans move with the words they mark.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from random import Random

from pypinyin import Style, lazy_pinyin

from .corpus import Span, Utterance

#: Sounds that speakers of some dialects say alike: initials, then finals.
INITIALS = (("n", "l"), ("zh", "z"), ("ch", "c"), ("sh", "s"), ("h", "f"), ("r", "l"))
FINALS = (("ing", "in"), ("eng", "en"), ("ang", "an"), ("uang", "uan"), ("ong", "eng"))
PARTICLES = frozenset("的了吧呢吗啊呀嘛哦哈呗哎诶嗯那就给我你您")
FILLERS = ("嗯", "呃", "那个", "就是", "就是说", "然后", "这个", "啊", "哎", "喂", "那什么")
DIGITS = dict(zip("0123456789", "零一二三四五六七八九"))
SPOKEN = dict(zip("零一二三四五六七八九幺两", "012345678912"))
#: A character that stands in the corpus fewer times is never written by mistake.
SEEN = 3


@dataclass(frozen=True)
class Level:
    """Probabilities: of each character to be misheard (and then to be taken for a sound like its own), of each
    particle to be dropped, of a filler, of digits written otherwise, of a cut at either end."""

    misheard: float
    dialect: float
    dropped: float
    filler: float
    digits: float
    cut: float


#: From a quiet room (0: what was said) to a bad line in the street.
LEVELS = (
    Level(0.0, 0.0, 0.0, 0.0, 0.0, 0.0),
    Level(0.03, 0.2, 0.05, 0.1, 0.2, 0.0),
    Level(0.07, 0.3, 0.1, 0.2, 0.3, 0.05),
    Level(0.14, 0.4, 0.2, 0.3, 0.4, 0.15),
)


@dataclass(frozen=True)
class Unit:
    """A piece of text and the characters of the original it stands for."""

    text: str
    start: int
    end: int


class Recogniser:
    """Mishears utterances; what it writes instead it has from `texts`."""

    def __init__(self, texts: Iterable[str]) -> None:
        single: Counter[str] = Counter()
        self.pairs: Counter[str] = Counter()
        for text in texts:
            single.update(text)
            self.pairs.update(text[at:at + 2] for at in range(len(text) - 1))
        self.by_sound: dict[str, list[str]] = defaultdict(list)
        self.sound: dict[str, str] = {}
        for char, count in single.items():
            if count >= SEEN and "\u4e00" <= char <= "\u9fff":
                sound = lazy_pinyin(char, style=Style.NORMAL)[0]
                self.sound[char] = sound
                self.by_sound[sound].append(char)

    def hear(self, utterance: Utterance, level: Level, random: Random) -> Utterance:
        """The utterance as it was recognised, its spans moved. Something is always left of it."""
        text, units = utterance.text, []
        for at, char in enumerate(text):
            if char in PARTICLES and len(text) > 3 and random.random() < level.dropped:
                continue
            heard = char
            if random.random() < level.misheard:
                before = units[-1].text[-1] if units else ""
                heard = self._misheard(char, before, text[at + 1:at + 2], level, random)
            units.append(Unit(heard, at, at + 1))
        marked = [at for span in utterance.spans or () for at in range(span.start, span.end)]
        units = _digits(units, level, random)
        units = _cut(units, frozenset(marked), level, random)
        units = _filled(units, level, random)
        return _joined(utterance, units) if units else utterance

    def _misheard(self, char: str, before: str, after: str, level: Level, random: Random) -> str:
        sound = self.sound.get(char)
        if sound is None:
            return char
        sounds = [sound, *(_alike(sound) if random.random() < level.dialect else [])]
        others = [it for like in sounds for it in self.by_sound.get(like, []) if it != char]
        if not others:
            return char
        weights = [1 + self.pairs[before + it] + self.pairs[it + after] for it in others]
        return random.choices(others, weights)[0]


def _alike(sound: str) -> list[str]:
    """Sounds that some take for this one: "liu" and "niu", "shi" and "si"."""
    found = []
    for one, other in INITIALS:
        for mine, theirs in ((one, other), (other, one)):
            if sound.startswith(mine) and not (len(mine) == 1 and sound[1:2] == "h"):
                found.append(theirs + sound[len(mine):])
    for one, other in FINALS:
        for mine, theirs in ((one, other), (other, one)):
            if sound.endswith(mine):
                found.append(sound[:-len(mine)] + theirs)
    return found


def _digits(units: Sequence[Unit], level: Level, random: Random) -> list[Unit]:
    """Digits said one by one come as words, and runs of spoken ones come as digits."""
    out, at = [], 0
    while at < len(units):
        table = DIGITS if units[at].text in DIGITS else SPOKEN
        last = at
        while last < len(units) and units[last].text in table:
            last += 1
        run = units[at:last]
        # A lone word is a number of things, and ten or hundred are no digits.
        if len(run) >= (1 if table is DIGITS else 4) and random.random() < level.digits:
            run = [Unit(table[it.text], it.start, it.end) for it in run]
        out += run or units[at:at + 1]
        at = max(last, at + 1)
    return out


def _cut(units: list[Unit], marked: frozenset[int], level: Level, random: Random) -> list[Unit]:
    """A recogniser that starts late or stops early; never within or beyond what was marked."""
    if len(units) < 8 or random.random() >= level.cut:
        return units
    most = len(units) // 4
    lost = random.randint(1, most)
    kept, gone = (units[lost:], units[:lost]) if random.random() < 0.5 else (units[:-lost], units[-lost:])
    return units if any(it.start in marked for it in gone) else kept


def _filled(units: list[Unit], level: Level, random: Random) -> list[Unit]:
    if not units or random.random() >= level.filler:
        return units
    at = random.choice((0, 0, random.randrange(len(units) + 1)))
    place = units[at].start if at < len(units) else units[-1].end
    return [*units[:at], Unit(random.choice(FILLERS), place, place), *units[at:]]


def _joined(utterance: Utterance, units: Sequence[Unit]) -> Utterance:
    spans, length, starts = [], 0, []
    for unit in units:
        starts.append((length, unit))
        length += len(unit.text)
    for span in utterance.spans or ():
        inside = [(at, unit) for at, unit in starts if unit.start >= span.start and unit.end <= span.end
                  and unit.end > unit.start]
        if inside:
            spans.append(Span(span.slot, inside[0][0], inside[-1][0] + len(inside[-1][1].text)))
    text = "".join(unit.text for unit in units)
    return replace(utterance, text=text, spans=None if utterance.spans is None else tuple(spans))


def seeded(recogniser: Recogniser, levels: Sequence[Level]) -> Callable[[Utterance, int], Utterance]:
    """Hears an utterance at one of `levels`, as the number says."""

    def hear(utterance: Utterance, number: int) -> Utterance:
        random = Random(number)
        return recogniser.hear(utterance, random.choice(levels), random)

    return hear
