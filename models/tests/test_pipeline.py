"""The whole pipeline on a tiny random encoder: each stage against what it was made from."""

from __future__ import annotations

import json
import tempfile
import unittest
from collections.abc import Callable
from pathlib import Path

import numpy as np

from models.pipeline import (
    calibrate,
    dequantise,
    evaluate,
    export,
    fetch,
    golden,
    manifest,
    place,
    quantise,
    vocabulary,
)
from models.pipeline.runtime import Encoder
from models.tests import reference, tiny

TEXTS = ["查流量", "余额", "退订。", "查余额退订流量。", "hello", "量"]
POOLED = (5, 6)


class Pipeline(unittest.TestCase):
    """One run of every stage, shared by the claims below."""

    folder: Path
    full: Path
    tokenizer: Path
    rows: list[int]
    file: tiny.File
    weights: dequantise.Weights
    ranges: calibrate.Ranges
    exact: Encoder
    small: Encoder

    @classmethod
    def setUpClass(cls) -> None:
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.folder = Path(folder.name)
        cls.full, cls.tokenizer = cls.folder / "full.json", cls.folder / "tokenizer.json"
        tiny.tokenizer(cls.full)
        pieces = cls.folder / "pieces.txt"
        pieces.write_text("".join(f"{piece}\n" for piece in tiny.WANTED), encoding="utf-8")
        cls.rows = vocabulary.prune(cls.full, pieces, cls.tokenizer)
        cls.file = tiny.File()
        cls.file.write(cls.folder / "weights.bin")
        dequantise.save(dequantise.read(cls.folder / "weights.bin", cls.rows), cls.folder / "encoder.npz")
        cls.weights = dequantise.load(cls.folder / "encoder.npz")
        cls.ranges = calibrate.run(cls.weights, tiny.POSITIONS, cls.tokenizer, TEXTS, cls.folder)
        cls.exact = cls._network("exact.onnx", lambda path: export.run(cls.weights, 20, POOLED, path))
        cls.small = cls._network("model.onnx", lambda path: quantise.run(cls.weights, 20, POOLED, cls.ranges, path))

    @classmethod
    def _network(cls, name: str, make: Callable[[Path], None]) -> Encoder:
        make(cls.folder / name)
        return Encoder(cls.folder / name, cls.tokenizer)

    def test_the_weights_come_back_as_they_were_packed(self) -> None:
        words = self.file.blocks["emb.word"]
        np.testing.assert_array_equal(self.weights.words.values(),
                                      dequantise.Blocks(words.codes[self.rows], words.scales[self.rows]).values())
        np.testing.assert_array_equal(self.weights.tensors["3.inner.weight"], self.file.blocks["l3.fi.w"].values())
        np.testing.assert_array_equal(self.weights.tensors["5.outer.norm.bias"], self.file.plain["l5.oln.b"])
        np.testing.assert_array_equal(self.weights.tensors["position"],
                                      self.file.plain["emb.pos"] + self.file.plain["emb.type"][0])
        self.assertEqual(self.weights.shape.heads, tiny.HEADS)

    def test_a_damaged_file_is_refused_with_what_to_do(self) -> None:
        content = (self.folder / "weights.bin").read_bytes()
        for name, damaged in (("cut", content[:200]), ("other", b"GGUF" + content[4:]),
                              ("renamed", content.replace(b"l2.fo.w", b"l2.xx.w"))):
            with self.subTest(name):
                (self.folder / "bad.bin").write_bytes(damaged)
                with self.assertRaisesRegex(place.Failed, "fetch"):
                    dequantise.read(self.folder / "bad.bin", [0])

    def test_the_pruned_tokenizer_cuts_kept_text_the_same_way(self) -> None:
        self.assertEqual(vocabulary.differing(self.full, self.tokenizer, TEXTS), ["hello"])
        pruned = json.loads(self.tokenizer.read_text(encoding="utf-8"))
        self.assertEqual([piece for piece, _ in pruned["model"]["vocab"]], tiny.PIECES[:4] + tiny.WANTED)
        self.assertEqual([token["id"] for token in pruned["added_tokens"]], [0, 1, 2, 3])
        self.assertIsNone(pruned["padding"])

    def test_a_piece_that_the_tokenizer_lacks_is_refused(self) -> None:
        (self.folder / "bad.txt").write_text("查\n没有\n", encoding="utf-8")
        with self.assertRaisesRegex(place.Failed, "没有"):
            vocabulary.prune(self.full, self.folder / "bad.txt", self.folder / "bad.json")

    def test_the_vocabulary_is_chosen_by_writing_and_use(self) -> None:
        chosen = vocabulary.choose(self.full, ["ü 查流量。"], ["hello"])
        self.assertIn("▁hello", chosen)  # our own utterances use it
        self.assertIn("退", chosen)  # simplified writing, whether used or not
        self.assertNotIn("話", chosen)  # traditional, and nobody used it
        self.assertNotIn("ü", chosen)  # foreign, used once
        self.assertNotIn("<mask>", chosen)

    def test_the_float32_network_is_bert(self) -> None:
        for text in TEXTS:
            with self.subTest(text):
                ids = self.exact.ids(text)
                expected = reference.embedding(self.weights, ids, POOLED)
                np.testing.assert_allclose(self.exact.run([ids])[0], expected, atol=2e-6)

    def test_int8_stays_near_float32(self) -> None:
        cosine = (self.exact.embed(TEXTS) * self.small.embed(TEXTS)).sum(axis=1)
        self.assertGreater(cosine.min(), 0.99, cosine)

    def test_an_embedding_does_not_depend_on_its_batch(self) -> None:
        rows = [self.small.ids(text) for text in TEXTS]
        alone = np.concatenate([self.small.run([row]) for row in rows])
        np.testing.assert_allclose(self.small.run(rows), alone, atol=1e-5)

    def test_padding_alone_gives_zero_and_not_a_division_by_zero(self) -> None:
        nothing = np.zeros((1, 3), np.int64)
        (found,) = self.small.session.run(["embedding"], {"input_ids": nothing + 1, "attention_mask": nothing})
        np.testing.assert_array_equal(found, np.zeros((1, tiny.DIMS)))

    def test_blocks_made_anew_lose_nothing(self) -> None:
        weight = self.weights.tensors["4.outer.weight"]
        np.testing.assert_array_equal(quantise.in_blocks(weight).values(), weight)

    def test_rows_in_int8_are_within_half_a_step(self) -> None:
        weight = np.concatenate([self.weights.tensors["1.inner.weight"], np.zeros((1, tiny.DIMS), np.float32)])
        whole, scales = quantise.rows_in_int8(weight)
        self.assertLessEqual(np.abs(whole.astype(int)).max(), quantise.LARGEST)
        error = np.abs(whole * scales[:, None] - weight)
        self.assertTrue((error <= scales[:, None] * 0.5001).all(), error.max())

    def test_zero_is_met_exactly_by_every_range(self) -> None:
        for least, greatest in ((-0.17, 3.0), (-5.0, 0.0), (1.0, 2.0), (0.0, 0.0)):
            with self.subTest(least=least, greatest=greatest):
                step, zero = quantise.step_and_zero(least, greatest)
                self.assertLessEqual(abs(int(zero) * float(step) + min(least, 0)), float(step) * 0.51)

    def test_the_same_input_gives_the_same_bytes(self) -> None:
        calibrate.save(self.ranges, self.folder / "ranges.json")
        ranges = calibrate.load(self.folder / "ranges.json")
        made = []
        for name in ("one.onnx", "other.onnx"):
            quantise.run(self.weights, 20, POOLED, ranges, self.folder / name)
            made.append((self.folder / name).read_bytes())
        self.assertEqual(*made)

    def test_the_manifest_tells_every_file_and_source(self) -> None:
        golden.run(self.small, self.folder / "golden.json")
        artifact = self.folder / "artifacts" / "tiny"
        files = {name: self.folder / name for name in ("model.onnx", "tokenizer.json", "golden.json")}
        card = manifest.Card("tiny", tiny.DIMS, tiny.LAYERS, len(self.rows), 18, "query: ", "mean", "MIT",
                             fetch.SOURCES)
        for _ in range(2):  # A second run replaces the first.
            manifest.run(card, files, artifact, 1_000_000)
        told = json.loads((artifact / "manifest.json").read_text(encoding="utf-8"))
        self.assertEqual(sorted(told["files"]), sorted(files))
        for name, said in told["files"].items():
            self.assertEqual(said, {"bytes": (artifact / name).stat().st_size, "sha256": place.sha256(artifact / name)})
        self.assertEqual([source["licence"] for source in told["sources"]], ["MIT", "MIT"])
        self.assertEqual(sorted(path.name for path in artifact.parent.iterdir()), ["tiny"])

    def test_an_artifact_that_is_too_large_is_refused(self) -> None:
        card = manifest.Card("large", 1, 1, 1, 1, "", "", "MIT", ())
        with self.assertRaisesRegex(place.Failed, "fewer pieces"):
            manifest.run(card, {"model.onnx": self.folder / "model.onnx"}, self.folder / "large", 1000)
        self.assertFalse((self.folder / "large").exists())

    def test_the_golden_file_is_what_the_network_says(self) -> None:
        golden.run(self.small, self.folder / "golden.json")
        cases = json.loads((self.folder / "golden.json").read_text(encoding="utf-8"))
        self.assertEqual([case["text"] for case in cases], list(golden.TEXTS))
        for case in cases[:3]:
            self.assertEqual(case["ids"], self.small.ids(case["text"]))
            np.testing.assert_allclose(case["embedding"], self.small.run([case["ids"]])[0], atol=1e-6)

    def test_accuracy_counts_what_is_right_across_writers(self) -> None:
        writers = []
        for number, lines in enumerate(("a\t查流量\nb\t[余额](what)\n", "# other\na\t查流量。\nb\t余额。\n")):
            writers.append(self.folder / f"{number}.tsv")
            writers[-1].write_text(lines, encoding="utf-8")
        self.assertEqual(evaluate.read(writers[:1]), [("a", "查流量"), ("b", "余额")])
        table = evaluate.report({"float32": self.exact}, writers)
        self.assertIn("1.0000", table.splitlines()[1].split()[1], table)


if __name__ == "__main__":
    unittest.main()
