"""What the tables are made of: draws, measures, spans, pages, kept embeddings, public data and runs."""

from __future__ import annotations

import json
import random
import tempfile
import unittest
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from models.pipeline import place
from models.pipeline.dequantise import Floats
from models.pipeline.evaluation import ablations, draws, kept, measures, page, public, tags
from models.pipeline.evaluation.measures import Bin, Numbers
from models.pipeline.training.corpus import Span

LABELS = [label for label, count in (("bill", 9), ("data", 4), ("plan", 1), ("roam", 30)) for _ in range(count)]


class Draws(unittest.TestCase):
    """Which examples are learned from."""

    def test_of_each_label_so_many_are_drawn_or_all_it_has(self) -> None:
        for count in (1, 3, 5, 20):
            for seed in range(20):
                chosen = draws.shots(LABELS, count, seed)
                self.assertEqual(len(set(chosen)), len(chosen))
                self.assertEqual(Counter(LABELS[at] for at in chosen),
                                 {label: min(count, has) for label, has in Counter(LABELS).items()})

    def test_few_are_part_of_many_and_another_seed_draws_others(self) -> None:
        for seed in range(20):
            parts = [set(draws.shots(LABELS, count, seed)) for count in (1, 3, 5, 10)]
            self.assertTrue(all(few < many for few, many in zip(parts, parts[1:])), parts)
            self.assertEqual(draws.shots(LABELS, 3, seed), draws.shots(LABELS, 3, seed))
        self.assertGreater(len({tuple(draws.shots(LABELS, 3, seed)) for seed in range(20)}), 15)

    def test_an_order_has_every_number_once(self) -> None:
        self.assertEqual(sorted(draws.order(50, 3)), list(range(50)))
        self.assertEqual(draws.order(50, 3), draws.order(50, 3))
        self.assertNotEqual(draws.order(50, 3), draws.order(50, 4))

    def test_counts_double_and_end_with_all(self) -> None:
        for size, expected in ((500, [60, 120, 240, 480, 500]), (480, [60, 120, 240, 480]), (60, [60]), (20, [20])):
            with self.subTest(size):
                self.assertEqual(draws.counts(60, size), expected)

    def test_between_takes_none_of_those_that_the_step_takes(self) -> None:
        texts = [str(number % 90) for number in range(100)]
        found = draws.between(texts, 10)
        self.assertEqual(found, ["5", "15", "25", "35", "45", "55", "65", "75", "85"] + ["5"])
        self.assertFalse(set(found) & set(texts[::10]))
        self.assertEqual(draws.between(texts, 1), [])

    def test_active_selection_asks_for_what_is_least_sure(self) -> None:
        """Here an example is the surer the larger its number, so the smallest of the rest are taken."""
        asked: list[list[int]] = []

        def sureness(chosen: Sequence[int], rest: Sequence[int]) -> Numbers:
            self.assertFalse(set(chosen) & set(rest))
            asked.append(list(chosen))
            return np.array(rest, np.float64)

        numbers = draws.order(100, 1)
        rounds = list(draws.active(numbers, [10, 20, 40, 100], sureness))
        first = numbers[:10]
        self.assertEqual([len(it) for it in rounds], [10, 20, 40, 100])
        self.assertEqual(rounds[0], first)
        self.assertEqual(set(rounds[1]) - set(first), set([it for it in range(100) if it not in first][:10]))
        self.assertEqual(set(rounds[2]) - set(first), set([it for it in range(100) if it not in first][:30]))
        self.assertEqual(sorted(rounds[3]), list(range(100)))
        self.assertEqual(asked, rounds[:-1])

    def test_a_margin_is_the_lead_of_the_most_probable(self) -> None:
        found = draws.margins(np.array([[0.5, 0.2, 0.3], [0.1, 0.45, 0.45], [0.0, 1.0, 0.0]]))
        np.testing.assert_allclose(found, [0.2, 0.0, 1.0])
        np.testing.assert_allclose(draws.margins(np.ones((3, 1))), [1, 1, 1])


class Measures(unittest.TestCase):
    """Numbers that say how good answers are."""

    def test_any_of_two_intents_is_right(self) -> None:
        wanted = [("a",), ("a", "b"), ("a", "b"), ("c",)]
        self.assertEqual(measures.accuracy(["a", "b", "c", "a"], wanted), 50.0)
        self.assertEqual(measures.accuracy([], []), 0.0)

    def test_auroc_is_the_share_of_pairs_in_order(self) -> None:
        draw = random.Random(2)
        for _ in range(50):
            inside, outside = ([draw.randrange(6) / 5 for _ in range(draw.randrange(1, 12))] for _ in range(2))
            pairs = [1.0 if one > other else 0.5 if one == other else 0.0 for one in inside for other in outside]
            self.assertAlmostEqual(measures.auroc(np.array(inside), np.array(outside)), float(np.mean(pairs)))

    def test_the_threshold_is_the_highest_that_keeps_the_recall(self) -> None:
        draw = random.Random(3)
        for _ in range(50):
            inside = np.array([draw.random() for _ in range(draw.randrange(1, 60))])
            found = measures.threshold(inside, 0.95)
            self.assertGreaterEqual(np.mean(inside >= found), 0.95)
            self.assertTrue(all(np.mean(inside >= it) < 0.95 for it in inside if it > found))

    def test_bins_have_every_answer_once(self) -> None:
        sure, right = np.array([0.0, 0.05, 0.5, 0.52, 1.0]), np.array([False, True, True, False, True])
        self.assertEqual(measures.bins(sure, right, 10), [Bin(2, 0.025, 0.5), Bin(2, 0.51, 0.5), Bin(1, 1.0, 1.0)])

    def test_who_is_as_sure_as_right_has_no_error(self) -> None:
        self.assertEqual(measures.calibration_error([Bin(4, 0.25, 0.25), Bin(2, 1.0, 1.0)]), 0.0)
        self.assertAlmostEqual(measures.calibration_error([Bin(3, 0.9, 0.5), Bin(1, 0.2, 0.4)]), 0.35)
        self.assertEqual(measures.calibration_error([]), 0.0)

    def test_a_temperature_undoes_what_was_done_to_the_scores(self) -> None:
        random_ = np.random.default_rng(4)
        scores = random_.normal(size=(4000, 5)) * 2
        right = np.array([random_.choice(5, p=row) for row in measures.softmax(scores)])
        for factor in (0.5, 1.0, 2.0):
            with self.subTest(factor):
                self.assertAlmostEqual(measures.temperature(scores * factor, right) / factor, 1.0, delta=0.1)

    def test_the_crossing_is_read_off_between_two_points(self) -> None:
        points = [(60, 20.0), (120, 40.0), (240, 30.0), (480, 60.0)]
        for target, expected in ((10.0, 60.0), (20.0, 60.0), (30.0, 60 * 2 ** 0.5), (40.0, 120.0), (60.0, 480.0),
                                 (45.0, 240 * 2 ** 0.5), (60.1, None)):
            with self.subTest(target):
                found = measures.reached(points, target)
                self.assertEqual(found is None, expected is None)
                self.assertAlmostEqual(found or 0, expected or 0)
        self.assertIsNone(measures.reached([], 1.0))

    def test_one_value_has_no_spread(self) -> None:
        self.assertEqual(measures.spread([3.0]), (3.0, 0.0))
        self.assertEqual(measures.spread([1.0, 3.0]), (2.0, 2 ** 0.5))


class Tags(unittest.TestCase):
    """Spans; the first table is that of nlu/src/decode.rs: both sides must read tags alike."""

    def test_tokens_of_a_slot_make_a_span(self) -> None:
        o, month, inside = "O", "B-month", "I-month"
        table: tuple[tuple[list[tuple[str, tuple[int, int]]], list[Span]], ...] = (
            ([], []),
            ([(o, (0, 0)), (o, (0, 2))], []),
            ([(month, (0, 1)), (inside, (1, 3)), (o, (3, 4))], [Span("month", 0, 3)]),
            ([(month, (0, 2)), (month, (2, 4))], [Span("month", 0, 2), Span("month", 2, 4)]),
            ([(month, (0, 2)), ("I-amount", (2, 4))], [Span("month", 0, 2), Span("amount", 2, 4)]),
            ([(inside, (0, 1)), (o, (1, 2)), (inside, (2, 3))], [Span("month", 0, 1), Span("month", 2, 3)]),
            ([(month, (0, 1)), (o, (1, 1)), (inside, (1, 2))], [Span("month", 0, 2)]),
            ([(month, (1, 1))], []),
        )
        for said, expected in table:
            with self.subTest(said):
                self.assertEqual(tags.spans([tag for tag, _ in said], [at for _, at in said]), expected)

    def test_a_piece_belongs_to_the_text_as_far_as_it_reaches_into_it(self) -> None:
        offsets = [(0, 0), (0, 5), (5, 6), (6, 9), (9, 10), (0, 0)]
        self.assertEqual(tags.places(offsets, 7), [(0, 0), (0, 0), (0, 0), (0, 2), (2, 3), (0, 0)])

    def check(self, said: Sequence[Span], wanted: Sequence[Span], same: int, over: int) -> None:
        """How many are the same and how many lie over each other."""
        self.assertEqual(tags.agreement(said, wanted), tags.Agreement(len(said), len(wanted), same, over))

    def test_spans_agree_exactly_or_in_part(self) -> None:
        one, part, beside = Span("month", 0, 4), Span("month", 2, 6), Span("month", 4, 6)
        self.check([], [], 0, 0)
        self.check([one], [one], 1, 1)
        self.check([one], [part], 0, 1)
        self.check([one], [beside], 0, 0)
        self.check([one], [Span("date", 0, 4)], 0, 0)
        self.check([one, beside], [Span("month", 0, 6)], 0, 1)
        # Each is paired once, the same ones first.
        self.check([part, one], [one], 1, 1)
        self.check([part, beside], [beside, one], 1, 2)

    def test_f1_counts_the_said_and_the_wanted(self) -> None:
        found = sum((tags.Agreement(2, 1, 1, 1), tags.Agreement(1, 2, 0, 1)), tags.Agreement())
        self.assertEqual(found, tags.Agreement(3, 3, 1, 2))
        self.assertAlmostEqual(found.exact_f1, 100 / 3)
        self.assertAlmostEqual(found.overlap_f1, 200 / 3)
        self.assertEqual(tags.Agreement().exact_f1, 0.0)


class Kept(unittest.TestCase):
    """Embeddings that are computed once."""

    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = Path(folder.name) / "deep" / "encoder-1.npz"
        self.asked: list[str] = []

    def embed(self, texts: Sequence[str]) -> Floats:
        """The length of a text and its first sign, and notes that it was asked."""
        self.asked += texts
        return np.array([[len(text), ord(text[0])] for text in texts], np.float32)

    def test_a_text_is_embedded_once_whoever_asks(self) -> None:
        first = kept.Kept(self.path, self.embed)
        np.testing.assert_array_equal(first.of(["查流量", "余", "查流量"]), [[3, ord("查")], [1, ord("余")], [3, ord("查")]])
        again = kept.Kept(self.path, self.embed)
        np.testing.assert_array_equal(again.of(["退", "余", "查流量"]), [[1, ord("退")], [1, ord("余")], [3, ord("查")]])
        np.testing.assert_array_equal(kept.Kept(self.path, self.embed).of(["余", "退"]), [[1, ord("余")], [1, ord("退")]])
        self.assertEqual(self.asked, ["查流量", "余", "退"])
        self.assertEqual([it.name for it in self.path.parent.iterdir()], [self.path.name])

    def test_a_text_of_two_lines_is_refused_before_it_spoils_the_file(self) -> None:
        cache = kept.Kept(self.path, self.embed)
        with self.assertRaises(ValueError):
            cache.of(["一\n二"])
        self.assertFalse(self.path.exists())


class Pages(unittest.TestCase):
    """Markdown."""

    def test_a_page_is_a_title_and_its_parts(self) -> None:
        found = page.Page("a", "A page")
        found.say("Words.")
        found.table(["system", "right"], [["a|b", page.percent(12.34)], ["c", page.around(5, 0.25)]])
        found.picture(Path("/elsewhere/a.png"), "a curve")
        self.assertEqual(found.text(), "\n\n".join((
            "# A page", "Words.", "| system | right |\n| --- | ---: |\n| a/b | 12.3 |\n| c | 5.0 ± 0.2 |",
            "![a curve](a.png)\n")))
        self.assertEqual(page.grouped(21_081.4), "21,081")

    def test_a_run_that_did_not_measure_something_has_a_dash(self) -> None:
        runs = [ablations.Run("whole", 2400, {"intent": 70.06, "slots": 91.0}, 5400),
                ablations.Run("no knowledge", 10, {"intent": 69.0, "moods": 1.0}, 90)]
        self.assertEqual(ablations.table(runs), (["run", "steps", "intent", "slots", "moods", "minutes"], [
            ["whole", "2,400", "70.1", "91.0", "-", "90.0"], ["no knowledge", "10", "69.0", "-", "1.0", "1.5"]]))

    def test_runs_are_read_from_their_file_and_a_wrong_one_is_named(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "ablations.json"
            self.assertIn("no runs", ablations.page_of(path).text())
            path.write_text(json.dumps([{"name": "whole", "steps": 3, "scores": {"intent": 70}, "seconds": 60}]))
            self.assertIn("| whole | 3 | 70.0 | 1.0 |", ablations.page_of(path).text())
            without_scores = '[{"name": "a", "steps": 1, "scores": 3, "seconds": 1}]'
            for wrong in ("", "{}x", "[1]", '[{"name": "a"}]', without_scores):
                path.write_text(wrong)
                with self.subTest(wrong), self.assertRaisesRegex(place.Failed, "ablations.json"):
                    ablations.page_of(path)


class Public(unittest.TestCase):
    """Public data in the form in which it is published."""

    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def write(self, name: str, text: str) -> None:
        """A file of a data set."""
        path = self.folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def data(self, name: str) -> public.Public:
        """The only data set of the folder."""
        found, missing = public.read(self.folder)
        self.assertEqual(missing, [it for it in public.READERS if it != name])
        (only,) = found
        self.assertEqual(only.name, name)
        return only

    def test_dataclue_has_a_line_a_text(self) -> None:
        parts = {"train": [("7", "收到 货"), ("8", "改地址"), ("8", "退")], "test_public": [("8", "退"), ("9", "没学过")]}
        for part, rows in parts.items():
            entries = [{"id": 1, "label": label, "sentence": text, "label_des": "x"} for label, text in rows]
            self.write(f"dataclue-cic/{part}.json", "".join(json.dumps(entry) + "\n" for entry in entries))
        found = self.data("dataclue-cic")
        # What is asked is not learned from, and what nobody could know is not asked.
        self.assertEqual((found.train, found.test), ([("7", "收到货"), ("8", "改地址")], [("8", "退")]))

    def test_smp_keeps_every_other_text_of_a_label_for_the_test(self) -> None:
        rows = [*(("app", "OPEN", text) for text in "abcde"), *(("map", "OPEN", text) for text in ("x", "y", "z", ""))]
        self.write("smp2020/2020train.json", json.dumps([
            {"text": text, "domain": domain, "intent": intent, "slots": {}} for domain, intent, text in rows]))
        found = self.data("smp2020")
        self.assertEqual(found.train, [*(("app/OPEN", text) for text in "ace"), *(("map/OPEN", text) for text in "xz")])
        self.assertEqual(found.test, [*(("app/OPEN", text) for text in "bd"), ("map/OPEN", "y")])

    def test_clinc_leaves_out_what_is_in_no_intent(self) -> None:
        self.write("clinc150/data_full.json", json.dumps({
            "train": [["How are you", "a"]], "val": [["v", "a"]], "test": [["x" * 300, "a"]],
            "oos_train": [["m", "oos"]], "oos_val": [["no", "oos"]], "oos_test": [["n", "oos"]]}))
        found = self.data("clinc150")
        self.assertEqual((found.train, found.test), ([("a", "how are you")], [("a", "x" * public.LONGEST)]))

    def test_banking_is_read_as_csv(self) -> None:
        self.write("banking77/train.csv", 'text,category\nMy card?,arrival\n"Lost, or stolen",lost\n')
        self.write("banking77/test.csv", 'text,category\n"Where\nis it",arrival\n')
        found = self.data("banking77")
        self.assertEqual(found.train, [("arrival", "my card?"), ("lost", "lost,or stolen")])
        self.assertEqual(found.test, [("arrival", "where is it")])


if __name__ == "__main__":
    unittest.main()
