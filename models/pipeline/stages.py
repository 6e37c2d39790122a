"""The stages as commands. Runs in the pipeline's own virtual environment; `__main__` sees to that."""

from __future__ import annotations

import argparse
import sys
import unittest
from collections.abc import Callable
from pathlib import Path

from ops.setup import wheels

from . import calibrate, dequantise, done, evaluate, export, fetch, golden, manifest, place, quantise, vocabulary
from .runtime import Encoder

#: The longest text in tokens, prefix included; two more positions cost nothing and forgive a miscount.
MAX_TOKENS, POSITIONS = 272, 274
#: The layers whose mean is the embedding, chosen by `evaluate` (models/README.md has the numbers).
POOLED = (11, 12)
MOST_BYTES = 30_000_000
LICENCE = "MIT"

SOURCES = place.WORK / "sources"
TOKENIZER = place.WORK / "tokenizer.json"
PIECES = place.PIPELINE / "pieces.txt"
RANGES = place.PIPELINE / "ranges.json"
WEIGHTS = place.WORK / "encoder.npz"
EXACT = place.WORK / "exact.onnx"
MODEL = place.WORK / "model.onnx"
GOLDEN = place.WORK / "golden.json"


def run_fetch(_: argparse.Namespace) -> None:
    """fetch the pretrained weights and tokenizer, pinned by sha256"""
    fetch.run()


def run_prune(_: argparse.Namespace) -> None:
    """cut the tokenizer to the pieces of pieces.txt"""
    rows = vocabulary.prune(_source(fetch.TOKENIZER), PIECES, TOKENIZER)
    wheels.say(f"vocabulary: {len(rows)} pieces")


def run_dequantise(_: argparse.Namespace) -> None:
    """read the 4-bit weights of the kept pieces and of every layer"""
    rows = vocabulary.prune(_source(fetch.TOKENIZER), PIECES, TOKENIZER)
    dequantise.save(dequantise.read(_source(fetch.WEIGHTS), rows), WEIGHTS)


def run_export(_: argparse.Namespace) -> None:
    """write the float32 network, the reference"""
    export.run(_weights(), POSITIONS, POOLED, EXACT)
    wheels.say(f"float32: {EXACT.stat().st_size / 1e6:.1f} MB")


def run_quantise(_: argparse.Namespace) -> None:
    """write the int8 network and compare its sha256 with the committed one"""
    quantise.run(_weights(), POSITIONS, POOLED, calibrate.load(RANGES), MODEL)
    wheels.say(f"int8: {MODEL.stat().st_size / 1e6:.1f} MB")
    done.check_made(place.WORK)


def run_golden(_: argparse.Namespace) -> None:
    """write texts with their token ids and embeddings for the Rust side"""
    golden.run(_encoder(MODEL), GOLDEN)


def run_evaluate(options: argparse.Namespace) -> None:
    """measure accuracy and speed, float32 beside int8"""
    networks = {"float32": _encoder(EXACT), "int8": _encoder(MODEL)}
    print(evaluate.report(networks, options.examples or evaluate.pack()))


def run_manifest(_: argparse.Namespace) -> None:
    """gather the artifact folder and write its manifest"""
    weights = _weights()
    card = manifest.Card(
        name=done.NAME, dims=weights.shape.dims, layers=weights.shape.layers, vocabulary=len(weights.words.codes),
        max_tokens=MAX_TOKENS, prefix=vocabulary.PREFIX, pooling=_pooling(), licence=LICENCE,
        sources=fetch.SOURCES)
    files = {"model.onnx": place.need(MODEL, "quantise"), "tokenizer.json": place.need(TOKENIZER, "prune"),
             "golden.json": place.need(GOLDEN, "golden")}
    done.check_made(place.WORK)
    manifest.run(card, files, done.ARTIFACT, MOST_BYTES)
    wheels.say(f"artifact: {done.ARTIFACT}")


def run_all(options: argparse.Namespace) -> None:
    """make the artifact: every stage in order, those for measuring left out"""
    for stage in (run_fetch, run_dequantise, run_quantise, run_golden, run_manifest):
        wheels.say(str(stage.__doc__))
        stage(options)
    done.write_stamp()


def run_test(_: argparse.Namespace) -> None:
    """run the pipeline's tests"""
    # By name and not by discovery, which goes into folders: models/tests/training needs PyTorch.
    files = sorted((place.ROOT / "models" / "tests").glob("test_*.py"))
    tests = unittest.TestLoader().loadTestsFromNames([f"models.tests.{file.stem}" for file in files])
    if not unittest.TextTestRunner().run(tests).wasSuccessful():
        raise place.Failed("a test of the pipeline failed: see above")


def run_pieces(options: argparse.Namespace) -> None:
    """choose the vocabulary anew from natural text, rewriting pieces.txt (maintainers only)"""
    natural = options.natural.read_text(encoding="utf-8").splitlines()
    own = [text for _, text in evaluate.read(options.own)]
    full = _source(fetch.TOKENIZER)
    pieces = vocabulary.choose(full, natural, own)
    PIECES.write_text("".join(f"{piece}\n" for piece in pieces), encoding="utf-8")
    vocabulary.prune(full, PIECES, TOKENIZER)
    print(f"{len(pieces) + vocabulary.SPECIAL} pieces; cut otherwise than by the full vocabulary: "
          f"{len(vocabulary.differing(full, TOKENIZER, own))} of {len(own)} own utterances, "
          f"{len(vocabulary.differing(full, TOKENIZER, natural))} of {len(natural)} natural texts")


def run_calibrate(options: argparse.Namespace) -> None:
    """measure the ranges of the activations anew, rewriting ranges.json (maintainers only)"""
    natural = options.natural.read_text(encoding="utf-8").splitlines()
    texts = [text for _, text in evaluate.read(options.own)][::10] + natural[::600]
    ranges = calibrate.run(_weights(), POSITIONS, place.need(TOKENIZER, "prune"), texts, place.WORK)
    calibrate.save(ranges, RANGES)


def _pooling() -> str:
    layers = "last layer" if len(POOLED) == 1 else "layers " + ", ".join(map(str, POOLED))
    return f"mean over tokens, {layers}, unit length"


def _source(source: fetch.Source) -> Path:
    return place.need(SOURCES / source.name, "fetch")


def _weights() -> dequantise.Weights:
    return dequantise.load(place.need(WEIGHTS, "dequantise"))


def _encoder(model: Path) -> Encoder:
    stage = "export" if model == EXACT else "quantise"
    return Encoder(place.need(model, stage), place.need(TOKENIZER, "prune"))


STAGES: tuple[Callable[[argparse.Namespace], None], ...] = (
    run_all, run_fetch, run_prune, run_dequantise, run_export, run_quantise, run_golden, run_evaluate,
    run_manifest, run_test, run_pieces, run_calibrate)


def parser() -> argparse.ArgumentParser:
    """The command line's grammar."""
    line = argparse.ArgumentParser(
        prog="python3 -m models.pipeline", epilog="example: python3 -m models.pipeline evaluate",
        description="Makes models/artifacts/general. Without a stage: `all`, if it is not up to date; "
                    "with --force: `all` in any case.")
    stages = line.add_subparsers(required=True, metavar="STAGE")
    for stage in STAGES:
        name = stage.__name__.removeprefix("run_")
        command = stages.add_parser(name, help=stage.__doc__, description=stage.__doc__,
                                    epilog=f"example: python3 -m models.pipeline {name}")
        command.set_defaults(run=stage)
        if stage is run_evaluate:
            command.add_argument("examples", nargs="*", type=Path,
                                 help="files of `intent TAB text`, one a writer (default: the telecom pack's)")
        if stage in (run_pieces, run_calibrate):
            command.add_argument("natural", type=Path, help="everyday text, one a line")
            command.add_argument("own", nargs="+", type=Path, help="files of `intent TAB text`")
    return line


def main(arguments: list[str]) -> int:
    """Runs the command line; returns the exit status."""
    options = parser().parse_args(arguments)
    place.WORK.mkdir(parents=True, exist_ok=True)
    try:
        options.run(options)
    except (place.Failed, wheels.Failed) as error:
        print(f"models failed: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
