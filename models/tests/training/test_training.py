"""Training on a tiny random encoder: the network, what it is compared with, and its losses."""

from __future__ import annotations

import tempfile
import unittest
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from models.pipeline import runtime
from models.pipeline.dequantise import Floats, Shape, Weights
from models.pipeline.training import batches, distil, loop, network, pretrain, ship, watch
from models.pipeline.training.batches import NOWHERE, Tokens
from models.pipeline.training.corpus import Span, Utterance
from models.pipeline.training.knowledge import Lexicon
from models.pipeline.training.targets import UNKNOWN, Names, targets, token_tags
from models.tests import tiny
from models.tests.training import OneThread, quiet

TEXTS = ("查流量", "余额", "退订。", "查余额退订流量。", "量")
POSITIONS, POOLED = 20, 2
NAMES = Names(("query_bill", "cancel_addon", "human_agent", "out_of_scope/noise"),
              ("O", "B-month", "I-month", "B-addon", "I-addon"), ("none", "affirm", "human"), ("calm", "angry"))
CPU = torch.device("cpu")
ALONE = loop.Worker(0, 1, CPU)


class Tiny(OneThread):
    """A tiny encoder for the claims below."""

    folder: Path
    weights: Weights
    tokenizer: Path
    cutter: batches.Cutter

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.folder = Path(folder.name)
        cls.weights, cls.tokenizer = tiny.encoder(cls.folder)
        cls.cutter = batches.Cutter(cls.tokenizer)

    def encoder(self, pooled: int = POOLED) -> network.Encoder:
        """A module of its own."""
        return network.from_weights(self.weights, POSITIONS, pooled)

    def model(self, encoder: network.Encoder, seed: int = 3) -> network.Model:
        """An encoder with heads that say something."""
        torch.manual_seed(seed)
        model = network.Model(encoder, len(NAMES.labels), len(NAMES.tags), len(NAMES.acts), len(NAMES.moods))
        for head in (model.intents, model.tags, model.acts, model.moods, model.scope):
            torch.nn.init.normal_(head.bias)
        return model

    def batch(self, texts: Sequence[str]) -> tuple[Tensor, Tensor]:
        """Ids and mask."""
        rows = [it.ids for it in self.cutter.cut(texts)]
        return batches.padded(rows), batches.mask_of(rows)


class Network(Tiny):
    """The module beside the weights it is made of, and beside ONNX."""

    def test_weights_come_through_a_module_as_they_were(self) -> None:
        back = network.to_weights(self.encoder())
        self.assertEqual(back.shape, replace(self.weights.shape, positions=POSITIONS))
        self.assertEqual(set(back.tensors), set(self.weights.tensors))
        np.testing.assert_array_equal(back.words.values(), self.weights.words.values())
        for name, values in self.weights.tensors.items():
            expected = values[:POSITIONS] if name == "position" else values
            np.testing.assert_array_equal(back.tensors[name], expected, name)

    def test_what_is_shipped_says_what_the_module_says(self) -> None:
        model = self.model(self.encoder()).eval()
        made = ship.write(model, NAMES, self.tokenizer, TEXTS, self.folder / "shipped", 2.0)
        ids, mask = self.batch(TEXTS)
        with torch.no_grad():
            said = model(ids, mask)
            other = self.encoder(pooled=1).eval()(ids, mask)[1]
        found = self.shipped(made.exact)
        np.testing.assert_array_less(0.9999, (found["embedding"] * said.embedding.numpy()).sum(1))
        self.assertLess((found["embedding"] * other.numpy()).sum(1).min(), 0.9999, "any layers would have done")
        present = mask.bool().numpy()
        np.testing.assert_allclose(found["tags"][present], said.tags.numpy()[present], atol=1e-4)
        np.testing.assert_allclose(found["acts"], said.acts.numpy(), atol=1e-4)
        np.testing.assert_allclose(found["moods"], said.moods.numpy() / 2, atol=1e-4)
        rough = self.shipped(made.small)
        np.testing.assert_array_less(0.99, (rough["embedding"] * found["embedding"]).sum(1))
        for name in ("tags", "acts", "moods"):
            self.assertLess(np.abs(rough[name] - found[name]).max(), 0.2 * np.abs(found[name]).max(), name)

    def shipped(self, path: Path) -> dict[str, Floats]:
        """Everything that a network says of TEXTS, by name."""
        reader = runtime.Encoder(path, self.tokenizer)
        ids, mask = reader.batch([reader.ids(text) for text in TEXTS])
        names = [it.name for it in reader.session.get_outputs()]
        self.assertEqual(names, ["embedding", "tags", "acts", "moods"])
        return dict(zip(names, reader.session.run(names, {"input_ids": ids, "attention_mask": mask})))

    def test_a_text_is_the_same_alone_and_beside_longer_ones(self) -> None:
        encoder = self.encoder().eval()
        with torch.no_grad():
            together = encoder(*self.batch(TEXTS))[1]
            alone = torch.cat([encoder(*self.batch([text]))[1] for text in TEXTS])
        torch.testing.assert_close(together, alone, atol=1e-5, rtol=0)

    def test_a_student_of_the_same_width_begins_as_layers_of_its_teacher(self) -> None:
        teacher = self.encoder()
        student = network.smaller(teacher, (1, 4), tiny.DIMS, tiny.HEADS, tiny.INNER, 1)
        self.assertEqual(student.shape, replace(teacher.shape, layers=2))
        wide = teacher.state_dict()
        for name, it in student.state_dict().items():
            whose = name.replace("layers.1.", "layers.4.").replace("layers.0.", "layers.1.")
            self.assertTrue(torch.equal(it, wide[whose]), name)
            self.assertNotEqual(it.data_ptr(), wide[whose].data_ptr(), name)

    def test_a_narrower_student_keeps_the_strongest_directions(self) -> None:
        teacher = self.encoder()
        student = network.smaller(teacher, (5,), 16, 2, 24, 1)
        self.assertEqual(student.shape, Shape(16, 1, 2, 24, POSITIONS, teacher.shape.epsilon))
        words = self.weights.words.values()
        strengths = np.linalg.svd(words - words.mean(0), compute_uv=False) ** 2
        kept = student.words.weight.detach().numpy()
        self.assertAlmostEqual(float(((kept - kept.mean(0)) ** 2).sum() / strengths[:16].sum()), 1.0, places=4)
        torch.testing.assert_close(student.norm.weight, teacher.norm.weight.mean().expand(16))
        with torch.no_grad():
            embedding = student.eval()(*self.batch(TEXTS))[1]
        torch.testing.assert_close(embedding.norm(dim=1), torch.ones(len(TEXTS)))


class Knowing(Tiny):
    """Tokens, their places, and what is known of them."""

    def test_every_character_belongs_to_a_token(self) -> None:
        # The first piece of a text may also hold the space behind the prefix, as "▁hello" does.
        for tokenizer, text in (("tokenizer.json", "查流量余额"), ("full.json", "hello流量"), ("full.json", "查hello")):
            with self.subTest(text):
                (tokens,) = batches.Cutter(self.folder / tokenizer).cut([text])
                self.assertEqual([at for start, end in tokens.places for at in range(start, end)],
                                 list(range(len(text))), tokens)
                self.assertEqual(len(tokens.ids), len(tokens.places))

    def test_a_token_has_the_tag_of_the_span_that_most_of_it_lies_in(self) -> None:
        month, addon = Span("month", 1, 4), Span("addon", 4, 6)
        table: tuple[tuple[tuple[Span, ...] | None, tuple[tuple[int, int], ...], str], ...] = (
            ((month,), (NOWHERE, (0, 1), (1, 3), (3, 4), (4, 7), NOWHERE), "? O B-month I-month O ?"),
            ((month,), ((0, 2), (2, 4), (4, 5)), "B-month I-month O"),
            ((month,), ((0, 1), (1, 1), (1, 4), (4, 4)), "O O B-month O"),
            ((addon,), ((0, 2), (2, 5), (5, 6)), "O O B-addon"),
            ((month, addon), ((0, 1), (1, 4), (4, 5), (5, 6)), "O B-month B-addon I-addon"),
            ((Span("addon", 0, 2), Span("addon", 2, 4)), ((0, 1), (1, 2), (2, 4)), "B-addon I-addon B-addon"),
            ((), ((0, 1), NOWHERE), "O ?"),
            (None, ((0, 1), NOWHERE), "? ?"),
        )
        for spans, places, expected in table:
            with self.subTest(spans=spans, places=places):
                found = token_tags(NAMES, Utterance("查上个月流量吧", spans=spans), Tokens((9,) * len(places), places))
                self.assertEqual(" ".join("?" if it == UNKNOWN else NAMES.tags[it] for it in found), expected)

    def test_what_is_not_known_is_passed_over(self) -> None:
        rows = (Utterance("查", ("query_bill", "cancel_addon"), (), "angry"),
                Utterance("嗯", ("out_of_scope/noise",)), Utterance("行", act="affirm"),
                Utterance("转人工", ("human_agent",), ()), Utterance("天气"))
        found = targets(NAMES, rows, self.cutter.cut([it.text for it in rows]))
        self.assertEqual(found.labels.tolist(), [[0.5, 0.5, 0, 0], [0, 0, 0, 1], [0] * 4, [0, 0, 1, 0], [0] * 4])
        self.assertEqual(found.scope.tolist(), [1, 0, UNKNOWN, 1, UNKNOWN])
        self.assertEqual(found.acts.tolist(), [0, UNKNOWN, 1, 2, UNKNOWN])
        self.assertEqual(found.moods.tolist(), [1, *[UNKNOWN] * 4])
        self.assertEqual(len(found.tags), sum(len(it.ids) for it in self.cutter.cut([it.text for it in rows])))

    def test_draws_are_of_like_length(self) -> None:
        windows = batches.Windows([9, 1, 5, 1, 9, 5, 1, 9] * 4)
        random = torch.Generator().manual_seed(1)
        for share, lengths in ((0.0, {1, 5}), (1.0, {5, 9})):
            drawn = windows.draw(4, share, random)
            self.assertEqual(len(set(drawn)), 4)
            self.assertLessEqual({[9, 1, 5, 1, 9, 5, 1, 9][it % 8] for it in drawn}, lengths)


class Distilling(Tiny):
    """A family in which one student is as wide as its teacher and one is narrower."""

    def family(self) -> distil.Family:
        """A teacher with two students."""
        teacher = self.model(self.encoder())
        same = network.smaller(teacher.encoder, (1, 5), tiny.DIMS, tiny.HEADS, tiny.INNER, 2)
        narrow = network.smaller(teacher.encoder, (5,), 16, 2, 24, 1)
        return distil.Family(teacher, {"same": self.model(same, 4), "narrow": self.model(narrow, 5)})

    def material(self) -> distil.Material:
        """Three utterances of each label, two acts, ten everyday texts."""
        said = {"query_bill": ("查流量", "查余额", "流量"), "cancel_addon": ("退订", "退", "订退"),
                "human_agent": ("余", "余余", "余。"), "out_of_scope/noise": ("。", "。。", "。额")}
        utterances = [Utterance(text, (label,), None if label.startswith("out") else (), mood)
                      for label, texts in said.items() for text, mood in zip(texts, ("calm", "angry", "calm"))]
        everyday = [a + b for a in "查流量额订" for b in "余退"]
        with torch.no_grad():
            kept = self.encoder().eval()(*self.batch(everyday))[1]
        acts = [Utterance("量", act="affirm"), Utterance("额", act="human")]
        return distil.Material(utterances, acts, everyday, kept)

    def trained(self, steps: int, alone: int, name: str) -> tuple[distil.Family, dict[str, Tensor]]:
        """A trained family, and what it was before."""
        family = self.family()
        before = {name: it.detach().clone() for name, it in family.state_dict().items()}
        step = distil.Step(family, NAMES, self.material(), self.cutter, lambda it, _: it, alone, CPU)
        heads = {f"{who}.{head}": 8.0 for head in ("intents", "scope")
                 for who in ("teacher", "students.same", "students.narrow")}
        plan = loop.Plan(steps, 5e-3, rates={"students": 2.0, **heads})
        run = loop.Run(family, plan, ALONE, self.folder / f"{name}.checkpoint")
        with quiet():
            run.go(step)
        return family, before

    def test_first_only_the_students_learn(self) -> None:
        family, before = self.trained(3, 3, "alone")
        changed = {name for name, it in family.state_dict().items() if not torch.equal(it, before[name])}
        self.assertFalse([name for name in changed if name.startswith("teacher.")])
        self.assertIn("maps.same.weight", changed)
        # They copy embeddings and not scores, of which nobody has any yet.
        self.assertEqual({name.split(".")[2] for name in changed if name.startswith("students.")}, {"encoder"})
        # Of the same width they keep the published words; a narrower student has words of its own.
        self.assertNotIn("students.same.encoder.words.weight", changed)
        self.assertIn("students.same.encoder.layers.0.inner.weight", changed)
        self.assertIn("students.narrow.encoder.words.weight", changed)

    def test_then_all_learn_what_they_are_shown(self) -> None:
        family, before = self.trained(120, 20, "together")
        self.assertTrue(torch.equal(family.teacher.encoder.words.weight, before["teacher.encoder.words.weight"]))
        family.eval()
        for name, model in family.members().items():
            with self.subTest(name):
                said = watch.report(model, NAMES, self.cutter, self.material().utterances)
                self.assertEqual(set(said), {"intent", "scope", "mood", "tag"})
                self.assertGreaterEqual(said["intent"], 85.0)
                self.assertGreaterEqual(said["scope"], 85.0)

    def test_contrast_is_what_the_paper_says(self) -> None:
        labels = torch.tensor([0, 0, 1, 1, 1, 2])
        torch.manual_seed(2)
        near = functional.normalize(torch.randn(6, 5), dim=1)
        losses = []
        for one in range(5):  # The last has no partner: it is only one to tell others from.
            total = sum(float((near[one] @ near[it] / distil.CONTRAST).exp()) for it in range(6) if it != one)
            partners = [it for it in range(6) if it != one and labels[it] == labels[one]]
            losses.append(-np.mean([float(near[one] @ near[it]) / distil.CONTRAST - np.log(total) for it in partners]))
        self.assertAlmostEqual(float(distil.contrast(near, labels)), float(np.mean(losses)), places=4)

    def test_contrast_prefers_that_texts_of_one_label_are_alike(self) -> None:
        labels = torch.tensor([0, 0, 1, 1, 2])
        alike = functional.normalize(torch.tensor(
            [[1, 0, 0], [0.9, 0.1, 0], [0, 1, 0], [0.1, 0.9, 0], [0, 0, 1]]), dim=1)
        self.assertLess(distil.contrast(alike, labels), distil.contrast(alike[[0, 2, 1, 3, 4]], labels))
        moved = torch.tensor([[1.0, 0, 0], [0, 1, 0], [0, 0, 1]]).requires_grad_()
        distil.contrast(moved, torch.tensor([0, 0, 1])).backward()  # type: ignore[no-untyped-call]
        assert moved.grad is not None
        after = moved.detach() - 0.1 * moved.grad
        self.assertGreater(after[0] @ after[1], after[0] @ after[2])

    def test_a_copy_is_best_when_it_is_one(self) -> None:
        model = self.model(self.encoder()).eval()
        parts = distil.parts(self.cutter.cut(TEXTS), 2)
        with torch.no_grad():
            said, other = distil.run(model, parts), distil.run(self.model(self.encoder(), 8).eval(), parts)
            turned = replace(other, embedding=said.embedding.flip(0))
            same, apart = (distil.copies(it, said, torch.nn.Identity(), True) for it in (said, turned))
        self.assertAlmostEqual(float(same["alike"]), 0.0, places=5)
        self.assertAlmostEqual(float(same["map"]), 0.0, places=5)
        for name, loss in same.items():
            self.assertLess(loss, apart[name] - 1e-3, name)
        self.assertNotIn("scores", distil.copies(said, said, torch.nn.Identity(), False))


class Pretraining(Tiny):
    """What is hidden, and what is learned from it."""

    def step(self, texts: Sequence[pretrain.Text], batch: int = 4) -> pretrain.Step:
        """A step over these texts, as own and as everyday ones."""
        kept = torch.zeros(len(texts), tiny.DIMS)
        kept[:, 0] = 1
        return pretrain.Step(pretrain.Pretrainer(self.encoder()), texts, texts, kept, self.cutter, batch, CPU)

    def hidden(self, groups: tuple[tuple[int, ...], ...]) -> set[tuple[int, ...]]:
        """What is hidden of a text of ten characters, over many draws."""
        places = (NOWHERE, NOWHERE, *((at, at + 1) for at in range(10)), NOWHERE)
        text = pretrain.Text(Tokens((0, 9, *range(4, 14), 2), places), groups)
        step = self.step([text] * 4)
        return {tuple(step._hide([text], 15, torch.Generator().manual_seed(seed))[0].nonzero()[:, 0].tolist())
                for seed in range(200)}

    def test_what_belongs_together_is_hidden_together(self) -> None:
        # A fifth of ten is two: one group of three, or one of two, and then nothing more.
        self.assertEqual(self.hidden(((3, 4, 5), (8, 9))), {(3, 4, 5), (8, 9)})

    def test_where_nothing_belongs_together_any_two_characters_are_hidden(self) -> None:
        found = self.hidden(())
        self.assertEqual({len(it) for it in found}, {2})
        self.assertEqual({place for it in found for place in it}, set(range(2, 12)))

    def test_groups_are_the_tokens_of_known_words(self) -> None:
        (text,) = pretrain.prepare(["退订余额"], self.cutter, Lexicon({"退订", "额"}))
        self.assertEqual([[text.tokens.places[at] for at in group] for group in text.groups], [[(0, 1), (1, 2)]])
        (text,) = pretrain.prepare(["退订余额"], self.cutter, None)
        self.assertEqual(text.groups, ())

    def test_all_learn_but_the_published_words(self) -> None:
        texts = pretrain.prepare([*TEXTS] * 4, self.cutter, Lexicon({"流量", "余额"}))
        step = self.step(texts, 8)
        losses = step(0, torch.Generator().manual_seed(4))
        self.assertEqual(set(losses), {"words", "replaced", "contrast", "keep"})
        self.assertTrue(all(loss.isfinite() for loss in losses.values()), losses)
        torch.stack(list(losses.values())).sum().backward()  # type: ignore[no-untyped-call]
        without = {name for name, it in step.module.named_parameters() if it.grad is None or not it.grad.any()}
        self.assertEqual(without, {"encoder.words.weight"})


if __name__ == "__main__":
    unittest.main()
