"""The noise model: what is misheard, what is never touched, and that spans move with their words."""

from __future__ import annotations

import unittest
from collections.abc import Iterator
from random import Random

from pypinyin import Style, lazy_pinyin

from models.pipeline.training import noise
from models.pipeline.training.corpus import Span, Utterance
from models.pipeline.training.noise import LEVELS, Level, Recogniser, seeded

#: What the recogniser has heard before: 话, 花 and 画 sound alike, 流 and 牛 do to some; 饕 is rare.
HEARD = ["查一下流量还剩多少", "牛奶多少钱一斤", "话费是四十块", "花了十块钱", "画画是什么", "老师说四是四十是十",
         "您好我要退订那个视频包", "就是那个流量包的月费呢", "帮我充一百块话费", "发票和飞机票"] * 3 + ["饕餮"]
PIECES = ("流量", "话费", "月租", "的", "了", "我", "那个", "充", "退", "13800", "一二三四", "百", "五十", "apple",
          "，", "吗")
QUIET = Level(0.0, 0.0, 0.0, 0.0, 0.0, 0.0)
#: One fault each, always.
MISHEARD, DIALECT = Level(1.0, 0.0, 0.0, 0.0, 0.0, 0.0), Level(1.0, 1.0, 0.0, 0.0, 0.0, 0.0)
DROPPED, FILLER = Level(0.0, 0.0, 1.0, 0.0, 0.0, 0.0), Level(0.0, 0.0, 0.0, 1.0, 0.0, 0.0)
DIGITS, CUT = Level(0.0, 0.0, 0.0, 0.0, 1.0, 0.0), Level(0.0, 0.0, 0.0, 0.0, 0.0, 1.0)


def utterances(count: int, seed: int = 11) -> Iterator[Utterance]:
    """Random utterances, every third with no known spans."""
    draw = Random(seed)
    for number in range(count):
        text, spans = "", []
        for piece in draw.choices(PIECES, k=draw.randrange(1, 12)):
            if draw.random() < 0.3:
                spans.append(Span(draw.choice(("amount", "addon")), len(text), len(text) + len(piece)))
            text += piece
        yield Utterance(text, ("top_up",), None if number % 3 == 0 else tuple(spans), "calm", None, "voice", "dev")


def words(utterance: Utterance) -> list[str]:
    """The text of each span."""
    return [utterance.text[it.start:it.end] for it in utterance.spans or ()]


def is_part(part: str, whole: str) -> bool:
    """Whether `part` is `whole` with characters left out."""
    rest = iter(whole)
    return all(char in rest for char in part)


def sound(char: str) -> str:
    """How a character is said, without tone."""
    return lazy_pinyin(char, style=Style.NORMAL)[0]


class Hearing(unittest.TestCase):
    """What a recogniser makes of what was said."""

    recogniser: Recogniser

    @classmethod
    def setUpClass(cls) -> None:
        cls.recogniser = Recogniser(HEARD)

    def heard(self, said: Utterance | str, level: Level, seed: int = 1) -> Utterance:
        """What is heard of an utterance, or of a text without spans."""
        utterance = Utterance(said, spans=()) if isinstance(said, str) else said
        return self.recogniser.hear(utterance, level, Random(seed))

    def all_heard(self, text: str, level: Level, times: int = 300) -> set[str]:
        """Everything that is heard for one text."""
        return {self.heard(text, level, seed).text for seed in range(times)}

    def test_in_a_quiet_room_all_is_heard_as_it_was_said(self) -> None:
        self.assertEqual(LEVELS[0], QUIET)
        for seed, said in enumerate(utterances(200)):
            self.assertEqual(self.heard(said, LEVELS[0], seed), said)

    def test_whatever_is_heard_is_a_sound_utterance(self) -> None:
        for level in (*LEVELS, Level(1.0, 1.0, 1.0, 1.0, 1.0, 1.0)):
            for seed, said in enumerate(utterances(300)):
                found = self.heard(said, level, seed)
                with self.subTest(level=level, said=said, found=found):
                    self.assertTrue(found.text)
                    self.assertEqual(found.spans is None, said.spans is None)
                    ends = [place for it in found.spans or () for place in (it.start, it.end)]
                    self.assertEqual(ends, sorted(ends))
                    self.assertTrue(all(0 <= it.start < it.end <= len(found.text) for it in found.spans or ()))
                    self.assertTrue(is_part("".join(it.slot[0] for it in found.spans or ()),
                                            "".join(it.slot[0] for it in said.spans or ())))
                    self.assertEqual((found.labels, found.mood, found.voice, found.split),
                                     (said.labels, said.mood, said.voice, said.split))

    def test_the_louder_the_line_the_more_is_lost(self) -> None:
        changed = [sum(self.heard(said, level, seed) != said for seed, said in enumerate(utterances(300)))
                   for level in LEVELS]
        self.assertEqual(changed, sorted(changed))
        self.assertEqual(len(set(changed)), len(LEVELS))

    def test_the_same_seed_hears_the_same(self) -> None:
        apart = 0
        for seed, said in enumerate(utterances(100)):
            self.assertEqual(self.heard(said, LEVELS[3], seed), self.heard(said, LEVELS[3], seed))
            apart += self.heard(said, LEVELS[3], seed) != self.heard(said, LEVELS[3], seed + 1)
        self.assertGreater(apart, 50)

    def test_a_character_is_taken_for_one_of_its_sound(self) -> None:
        self.assertEqual(self.all_heard("花", MISHEARD), {"话", "画"})
        for seed, said in enumerate(utterances(200)):
            found = self.heard(said, MISHEARD, seed)
            self.assertEqual(found.spans, said.spans)
            self.assertEqual([sound(it) for it in found.text], [sound(it) for it in said.text])

    def test_some_dialects_do_not_tell_sounds_apart(self) -> None:
        pairs = ("流牛", "南兰", "是四", "吃次", "中宗", "湖福", "热乐", "林零", "分风", "蓝狼", "观光", "龙冷")
        recogniser = Recogniser(pairs * noise.SEEN)
        for pair in (*pairs, *(pair[::-1] for pair in pairs)):
            said, meant = pair[0], pair[1]
            with self.subTest(said=said, meant=meant):
                same, alike = ({recogniser.hear(Utterance(said), level, Random(seed)).text for seed in range(100)}
                               for level in (MISHEARD, DIALECT))
                self.assertIn(meant, alike)
                self.assertNotIn(meant, same)

    def test_what_fits_its_neighbours_is_heard_sooner(self) -> None:
        recogniser = Recogniser(["话费"] * 20 + ["画", "花"] * 3)
        level = Level(0.5, 0.0, 0.0, 0.0, 0.0, 0.0)
        found = [recogniser.hear(Utterance("花费"), level, Random(seed)).text for seed in range(400)]
        self.assertGreater(found.count("话费"), 5 * found.count("画费"))

    def test_a_rare_character_is_never_written_and_an_unknown_one_stays(self) -> None:
        recogniser = Recogniser(["涛"] * 3 + ["饕"] * (noise.SEEN - 1))
        self.assertEqual({recogniser.hear(Utterance("涛饕x龘"), DIALECT, Random(seed)).text for seed in range(50)},
                         {"涛饕x龘"})

    def test_particles_are_dropped_and_nothing_else(self) -> None:
        self.assertEqual(self.all_heard("那我的流量呢", DROPPED), {"流量"})
        self.assertEqual(self.all_heard("好的吗", DROPPED), {"好的吗"})
        for said in utterances(200):
            found = self.heard(said, DROPPED)
            kept = "".join(it for it in said.text if it not in noise.PARTICLES)
            self.assertTrue(is_part(kept, found.text) and is_part(found.text, said.text), (said, found))
            left = ["".join(char for char in it if char not in noise.PARTICLES) for it in words(said)]
            if len(said.text) > 3 and kept:
                self.assertEqual(words(found), [it for it in left if it])

    def test_something_is_always_left(self) -> None:
        self.assertEqual(self.heard("嗯嗯那那我我", DROPPED).text, "嗯嗯那那我我")
        self.assertEqual(self.heard("", Level(1.0, 1.0, 1.0, 1.0, 1.0, 1.0)).text, "")

    def test_a_filler_is_heard_beside_the_words_and_their_spans_keep_them(self) -> None:
        fillers = set()
        for seed, said in enumerate(utterances(300)):
            found = self.heard(said, FILLER, seed)
            added = len(found.text) - len(said.text)
            places = [at for at in range(len(said.text) + 1) if found.text[:at] + found.text[at + added:] == said.text
                      and found.text[at:at + added] in noise.FILLERS]
            self.assertTrue(places, (said, found))
            fillers |= {found.text[at:at + added] for at in places}
            for before, after in zip(words(said), words(found), strict=True):
                # Who hesitates within a number still said that number.
                self.assertTrue(after == before or (is_part(before, after) and len(after) == len(before) + added))
        self.assertEqual(fillers, set(noise.FILLERS))

    def test_numbers_are_written_in_digits_or_in_words(self) -> None:
        for said, found in (("13800", "一三八零零"), ("幺三八零零", "13800"), ("一二三", "一二三"), ("充5块", "充五块"),
                            ("一百二十", "一百二十"), ("两三个", "两三个"), ("二零二六年", "2026年")):
            with self.subTest(said):
                self.assertEqual(self.heard(said, DIGITS).text, found)
        marked = Utterance("给13800充四五六七", spans=(Span("phone", 1, 6), Span("amount", 7, 11)))
        self.assertEqual(words(self.heard(marked, DIGITS)), ["一三八零零", "4567"])

    def test_an_end_is_cut_off_but_never_a_value(self) -> None:
        found = self.all_heard("查一下流量还剩多少", CUT)
        self.assertEqual(found, {"一下流量还剩多少", "下流量还剩多少", "查一下流量还剩多", "查一下流量还剩"})
        self.assertEqual(self.all_heard("流量还剩多少", CUT), {"流量还剩多少"})
        for seed, said in enumerate(utterances(300)):
            heard = self.heard(said, CUT, seed)
            self.assertIn(heard.text, said.text)
            self.assertEqual(words(heard), words(said))

    def test_a_number_stands_for_a_level_and_what_is_heard_at_it(self) -> None:
        hear = seeded(self.recogniser, (QUIET, MISHEARD))
        said = Utterance("花花花花花花")
        found = [hear(said, number).text for number in range(100)]
        self.assertEqual(found, [hear(said, number).text for number in range(100)])
        self.assertGreater(found.count(said.text), 20)
        self.assertGreater(len({it for it in found if "花" not in it}), 20)


if __name__ == "__main__":
    unittest.main()
