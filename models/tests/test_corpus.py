"""What training reads: normal text, the pack's utterances, and what the pack knows."""

from __future__ import annotations

import random
import tempfile
import unittest
from collections.abc import Sequence
from pathlib import Path

from models.pipeline.training import corpus, knowledge
from models.pipeline.training.corpus import Span
from models.pipeline.training.normal import normal, span
from models.tests import tiny


class Normal(unittest.TestCase):
    """The rows are those of nlu/src/text.rs: both sides must read a text alike."""

    def check(self, table: Sequence[tuple[str, str, str, str]]) -> None:
        """Each row: raw text, normal text, a part of the raw text, and what becomes of that part."""
        for raw, expected, part, becomes in table:
            with self.subTest(raw):
                text, places = normal(raw)
                self.assertEqual(text, expected)
                self.assertEqual(len(places), len(text))
                self.assertEqual(places, sorted(places))
                at = raw.index(part)
                start, end = span(places, at, at + len(part))
                self.assertEqual(text[start:end], becomes)

    def test_width_and_case_become_one(self) -> None:
        self.check((
            ("", "", "", ""),
            ("查话费", "查话费", "话费", "话费"),
            ("１８６００００", "1860000", "１８６", "186"),
            ("我要５Ｇ，好吗？", "我要5g,好吗?", "５Ｇ，", "5g,"),
            ("￥１９．９", "¥19.9", "￥１９", "¥19"),
            ("İstanbul", "istanbul", "İ", "i"),
            ("开个 VIP", "开个vip", "VIP", "vip"),
        ))

    def test_signs_that_nlu_leaves_alone_stay(self) -> None:
        self.check((
            ("好的～再见", "好的~再见", "～", "~"),
            ("等0″", "等0″", "″", "″"),
            ("①号，50㎡…", "①号,50㎡…", "50㎡", "50㎡"),
            ("﹂在", "﹂在", "﹂", "﹂"),
        ))

    def test_spaces_stay_only_between_words_of_letters(self) -> None:
        self.check((
            ("查 一下 话费", "查一下话费", "一下 话", "一下话"),
            ("查_一下_话费", "查一下话费", "查_一", "查一"),
            ("▁查▁话费", "查话费", "查▁话", "查话"),
            ("186 0000 1234", "18600001234", " 0000 ", "0000"),
            ("１８６　００００", "1860000", "６　０", "60"),
            ("5 gb 流量", "5gb流量", "5 gb", "5gb"),
            ("apple   music 会员", "apple music会员", "apple   music", "apple music"),
            ("buy_more data，五个 G", "buy more data,五个g", "buy_more", "buy more"),
            ("  hello\tworld\n", "hello world", "hello\tworld", "hello world"),
            ("iphone 15 pro", "iphone15pro", "15 p", "15p"),
            ("שלום עולם", "שלום עולם", "שלום", "שלום"),
        ))

    def test_what_is_invisible_vanishes(self) -> None:
        self.check((
            ("话\u200b费", "话费", "话\u200b费", "话费"),
            ("\ufeff查话费", "查话费", "查", "查"),
            ("1\ufe0f\u20e3号", "1号", "1", "1"),
            ("cafe\u0301 bar", "cafe bar", "cafe\u0301", "cafe"),
            ("\u202e话费\u202c吗", "话费吗", "费\u202c吗", "费吗"),
            ("话\u0000费\u0007", "话费", "话", "话"),
            ("😀查👨\u200d👩话费", "😀查👨👩话费", "👨\u200d", "👨"),
        ))
        self.assertEqual(normal("\u200b \u0000_"), ("", []))

    def test_a_span_of_nothing_is_empty(self) -> None:
        _, places = normal("话　费")
        for start, end in ((1, 2), (3, 9), (1, 1)):
            with self.subTest(start=start, end=end):
                self.assertEqual(span(places, start, end), (0, 0))

    def test_normal_text_is_normal_and_comes_from_where_it_says(self) -> None:
        draw = random.Random(3)
        for _ in range(500):
            raw = "".join(draw.choices("查话费Ａb C_　9８，。 \u200b…", k=draw.randrange(12)))
            with self.subTest(raw):
                text, places = normal(raw)
                self.assertEqual(normal(text), (text, list(range(len(text)))))
                for char, place in zip(text, places):
                    self.assertIn(normal(raw[place])[0], (char, ""))


class Strip(unittest.TestCase):
    """Marks."""

    def test_marks_become_spans_of_the_normal_text(self) -> None:
        table: tuple[tuple[str, str, tuple[Span, ...]], ...] = (
            ("查余额", "查余额", ()),
            ("充[五十](amount)块", "充五十块", (Span("amount", 1, 3),)),
            ("[昨天](date)和[今天](date)", "昨天和今天", (Span("date", 0, 2), Span("date", 3, 5))),
            ("[上个月](month)[三号](date)", "上个月三号", (Span("month", 0, 3), Span("date", 3, 5))),
            (" 码是 [Ａ　1\u200b2](code) ！", "码是a12!", (Span("code", 2, 5),)),
            ("buy [apple music](addon) now", "buy apple music now", (Span("addon", 4, 15),)),
            ("充[ ](amount)好", "充好", ()),
            ("[好](Date)，(真)的[吗]", "[好](date),(真)的[吗]", ()),
        )
        for marked, text, spans in table:
            with self.subTest(marked):
                self.assertEqual(corpus.strip(marked), (text, spans))


class Pack(unittest.TestCase):
    """A pack in miniature (tiny.PACK)."""

    folder: Path
    read: corpus.Corpus

    @classmethod
    def setUpClass(cls) -> None:
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.folder = Path(folder.name)
        tiny.pack(cls.folder)
        cls.read = corpus.read(cls.folder)

    def said(self, voice: str) -> list[corpus.Utterance]:
        """The utterances of one file."""
        return [it for it in self.read.utterances if it.voice == voice]

    def test_a_voice_without_moods_has_none_and_its_marks_are_kept(self) -> None:
        one, two = self.said("voice-01.tsv")
        self.assertEqual(one, corpus.Utterance(
            "查上个月的账单", ("query_bill",), (Span("month", 1, 4),), None, None, "voice-01.tsv", "train"))
        self.assertEqual((two.labels, two.spans), (("query_bill", "cancel_addon"), (Span("addon", 5, 8),)))
        self.assertFalse(one.is_refused)

    def test_in_a_voice_with_moods_no_mood_is_calm(self) -> None:
        self.assertEqual([(it.mood, it.spans) for it in self.said("voice-02.tsv")],
                         [("angry", ()), ("calm", (Span("addon", 1, 4),))])

    def test_what_is_refused_has_no_known_spans(self) -> None:
        for voice, split in (("refused-01.tsv", "train"), ("refused-02.tsv", "test")):
            (it,) = self.said(voice)
            self.assertTrue(it.is_refused)
            self.assertEqual((it.spans, it.mood, it.act, it.split), (None, None, None, split))

    def test_the_pack_says_which_voices_are_held_out(self) -> None:
        self.assertEqual({it.voice for it in self.read.of("dev")}, {"voice-03.tsv"})
        self.assertEqual({it.voice for it in self.read.of("test")}, {"refused-02.tsv"})
        self.assertEqual(sum(len(self.read.of(split)) for split in corpus.SPLITS), len(self.read.utterances))

    def test_of_a_call_only_what_the_customer_said_in_one_act_is_read(self) -> None:
        self.assertEqual([(it.text, it.act) for it in self.said("call-1.txt")],
                         [("喂,你好", "greet"), ("行,退吧", "affirm")])
        self.assertEqual([(it.text, it.act) for it in self.said("acts.tsv")], [("转人工", "human"), ("对的", "affirm")])
        for it in (*self.said("call-1.txt"), *self.said("acts.tsv")):
            self.assertEqual((it.labels, it.spans, it.mood), ((), None, None))

    def test_names_are_in_the_order_of_the_pack(self) -> None:
        self.assertEqual(list(self.read.intents), ["query_bill", "cancel_addon"])
        self.assertEqual(list(self.read.slots), ["month", "addon"])
        self.assertEqual(list(self.read.acts), ["none", "affirm", "greet", "human"])
        self.assertEqual(self.read.labels, ["query_bill", "cancel_addon", *(
            f"out_of_scope/{reason}" for reason in ("off_domain", "unsupported", "false_premise", "noise", "unclear"))])

    def test_knowledge_is_told_in_sentences(self) -> None:
        self.assertEqual(knowledge.sentences(self.folder), [
            "青禾卡是一种套餐", "青禾卡的月费是29.5元", "青禾卡的流量是30gb", "青禾卡,月费是29.5元,流量是30gb",
            "校园卡就是青禾卡", "卡就是青禾卡", "小包是一种套餐", "小包的流量是500mb", "割接是一种公告",
            "今晚iptv割接,稍后恢复。", "账单发您手机上了。", "您好,请讲。",
            "查账单:一个月花了多少,花在哪", "退业务:不要某个包了"])

    def test_entities_come_from_the_catalogue_and_from_training_voices_only(self) -> None:
        self.assertEqual(knowledge.entities(self.folder, self.read), {
            "青禾卡", "校园卡", "小包", "割接", "月租", "资费", "流量", "上个月", "视频包", "夜间包"})


class Words(unittest.TestCase):
    """Phrases and how they are found."""

    def test_a_phrase_is_frequent_and_stands_together_more_than_by_chance(self) -> None:
        draw = random.Random(5)
        rest = [chr(0x4e00 + 7 * number) for number in range(400)]
        texts = ["".join([*draw.choices(rest, k=20), "流量", *draw.choices(rest, k=20)]) for _ in range(30)]
        texts += ["青禾" + "".join(draw.choices(rest, k=40)) for _ in range(10)]
        texts += ["".join(draw.choices("的了", k=40)) for _ in range(10)]
        self.assertEqual(knowledge.phrases(texts), {"流量"})

    def test_no_phrase_reaches_over_a_sign(self) -> None:
        rest = "".join(chr(0x4e00 + 7 * number) for number in range(400))
        self.assertEqual(knowledge.phrases([rest, *["流,量"] * 30]), set())

    def test_the_longest_known_word_is_found_and_none_twice(self) -> None:
        lexicon = knowledge.Lexicon({"流量", "流量包", "包月", "夜间", "费"})
        for text, found in (("", []), ("查话费", []), ("流量", ["流量"]), ("退流量包月的", ["流量包"]),
                            ("夜间流量夜间", ["夜间", "流量", "夜间"]), ("流流量", ["流量"])):
            with self.subTest(text):
                self.assertEqual([text[start:end] for start, end in lexicon.find(text)], found)

    def test_who_knows_no_word_finds_none(self) -> None:
        self.assertEqual(knowledge.Lexicon(()).find("查流量"), [])


if __name__ == "__main__":
    unittest.main()
