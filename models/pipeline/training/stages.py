"""The training stages as commands. Runs in the training environment; `__main__` sees to that."""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import sys
import unittest
from collections.abc import Callable, Sequence
from pathlib import Path

import torch

from .. import dequantise, fetch, golden, manifest, place
from ..runtime import Encoder
from ..stages import MAX_TOKENS, MOST_BYTES, POSITIONS
from ..vocabulary import PREFIX
from . import batches, corpus, distil, family, knowledge, loop, network, noise, pretrain, ship, watch
from .normal import normal
from .targets import Names

WORK = place.WORK / "training"
PRETRAINED = WORK / "pretrained.npz"
FAMILY = WORK / "family.pt"
#: All artifacts together.
ALL_BYTES = 60_000_000
#: Everyday texts of more characters, or fewer, are passed over; so many are taken, spread evenly over the file.
EVERYDAY_CHARACTERS, EVERYDAY = range(4, 33), 24_000
#: Length of a row of the intent head before it has learned anything.
PRIMED = 2.0
#: Words by which a text that is taken for everyday talk is about an operator after all.
TELECOM = ("移动", "联通", "电信", "流量", "话费", "宽带", "套餐", "运营商", "手机号", "手机卡", "路由")


def run_corpus(options: argparse.Namespace) -> None:
    """gather what is learned from, and write its data card"""
    read = corpus.read(options.pack)
    card = {
        "utterances": {split: len([it for it in read.of(split) if it.labels]) for split in corpus.SPLITS},
        "voices": {split: len({it.voice for it in read.of(split) if it.labels}) for split in corpus.SPLITS},
        "acts": len([it for it in read.utterances if not it.labels]),
        "sentences of knowledge": len(knowledge.sentences(options.pack)),
        "everyday texts": len(everyday(options)),
        "sha256": {"pack": fingerprint(options.pack), "everyday": place.sha256(options.everyday)
                   if options.everyday else None},
    }
    WORK.mkdir(parents=True, exist_ok=True)
    (WORK / "corpus.json").write_text(json.dumps(card, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(card, ensure_ascii=False, indent=1))


def run_pretrain(options: argparse.Namespace) -> None:
    """train the encoder on the domain's language, with what the pack knows"""
    read, cutter = corpus.read(options.pack), _cutter()
    encoder = general()
    common = everyday(options)
    kept = anchored(encoder, cutter, common)
    own = corpus.texts(read.of("train")) + knowledge.sentences(options.pack)
    lexicon = None
    if not options.no_knowledge:
        lexicon = knowledge.Lexicon(knowledge.phrases(own) | knowledge.entities(options.pack, read))
    module = pretrain.Pretrainer(encoder)
    plan = loop.Plan(options.steps, rate=5e-5, rates={"transform": 10, "bias": 10, "replaced": 10})
    with loop.worker() as me:
        run = loop.Run(module, plan, me, options.out.with_suffix(".checkpoint"))
        step = pretrain.Step(module, pretrain.prepare(own, cutter, lexicon),
                             pretrain.prepare(common, cutter, lexicon), kept, cutter, options.batch, me.device)
        run.go(step)
        if me.is_first:
            with run.averaged():
                dequantise.save(network.to_weights(module.encoder.cpu()), options.out)


def run_distil(options: argparse.Namespace) -> None:
    """train the teacher and all students in one run"""
    read, cutter = corpus.read(options.pack), _cutter()
    names = Names.of(read)
    common = everyday(options)
    kept = anchored(general(), cutter, common)
    start = general() if options.start is None else opened(options.start)
    members = family.born(start, names, options.sizes)
    train = [it for it in read.of("train") if not set(it.labels) & set(options.leave_out)]
    primed(members.teacher, names, cutter, train)
    material = distil.Material([it for it in train if it.labels], [it for it in train if not it.labels], common, kept)
    hear = noise.seeded(noise.Recogniser(corpus.texts(train) + common), noise.LEVELS)

    def noisy(utterance: corpus.Utterance, random: torch.Generator) -> corpus.Utterance:
        return hear(utterance, int(torch.randint(2**31, (), generator=random)))

    dev = [it for it in read.of("dev") if it.labels] or [it for it in read.of("test") if it.labels]
    with loop.worker() as me:
        run = loop.Run(members, distil_plan(options.steps), me, options.out.with_suffix(".checkpoint"))
        step = distil.Step(members, names, material, cutter, noisy, options.alone, me.device)
        run.go(step, lambda _: told(members, names, cutter, dev[::max(1, len(dev) // options.watched)]))
        if me.is_first:
            with run.averaged():
                family.keep(members.cpu(), names, options.out, {
                    "seed": run.plan.seed, "steps": run.plan.steps, "left out": options.leave_out,
                    "pack": fingerprint(options.pack)})


def run_ship(options: argparse.Namespace) -> None:
    """write the artifacts: every member of the family in int8, with golden files and manifests"""
    read, cutter = corpus.read(options.pack), _cutter()
    members, names = family.opened(place.need(FAMILY, "distil"), general())
    members.eval()
    about = json.loads(FAMILY.with_suffix(".json").read_text(encoding="utf-8"))
    texts = corpus.texts(it for it in read.of("train") if it.labels)[::20]
    dev = [it for it in read.of("dev") if it.labels]
    for name, model in members.members().items():
        name = family.TEACHER if name == "teacher" else name
        warmth = watch.warmth(model, names, cutter, dev)
        shipped = ship.write(model, names, place.WORK / "tokenizer.json", texts, WORK / name, warmth)
        encoder = Encoder(shipped.small, place.WORK / "tokenizer.json")
        golden.run(encoder, WORK / name / "golden.json")
        shape = model.encoder.shape
        layers = ", ".join(map(str, ship.pooled_layers(model)))
        card = manifest.Card(
            name=name, dims=shape.dims, layers=shape.layers, vocabulary=cutter.pieces, max_tokens=MAX_TOKENS,
            prefix=PREFIX, pooling=f"mean over tokens, layers {layers}, unit length", licence="Apache-2.0 AND MIT",
            sources=fetch.SOURCES, labels={head: it.labels for head, it in shipped.heads.items()},
            training={key: about[key] for key in ("seed", "steps", "pack")})
        files = {"model.onnx": shipped.small, "golden.json": WORK / name / "golden.json",
                 "tokenizer.json": place.WORK / "tokenizer.json"}
        manifest.run(card, files, place.ARTIFACTS / name, MOST_BYTES)
        print(f"{name}: float32 {shipped.exact.stat().st_size / 1e6:.1f} MB, int8 "
              f"{shipped.small.stat().st_size / 1e6:.1f} MB, moods divided by {warmth:.2f}")
    total = sum(path.stat().st_size for name in (family.TEACHER, *family.SIZES)
                for path in (place.ARTIFACTS / name).iterdir())
    if total > ALL_BYTES:
        raise place.Failed(f"the family has {total} bytes, more than {ALL_BYTES}: prune the vocabulary")


def run_test(_: argparse.Namespace) -> None:
    """run the tests of the training, an elastic run whose worker is killed among them"""
    tests = unittest.TestLoader().discover(str(place.ROOT / "models" / "tests" / "training"),
                                           top_level_dir=str(place.ROOT))
    if not unittest.TextTestRunner().run(tests).wasSuccessful():
        raise place.Failed("a test of the training failed: see above")


def run_all(options: argparse.Namespace) -> None:
    """make the artifacts: corpus, distil, ship (pretrain did not help so far, see models/README.md)"""
    line = parser()
    for stage in ("corpus", "distil", "ship"):
        named = ["--everyday", str(options.everyday)] if options.everyday else []
        then = line.parse_args(["--pack", str(options.pack), *named, stage])
        print(f"== {then.run.__doc__}", flush=True)
        then.run(then)


def distil_plan(steps: int) -> loop.Plan:
    """Rates: the teacher stays near where it began, new heads and narrow students have a longer way to go."""
    heads = {f"{who}.{head}": 30.0 for head in ("intents", "tags", "acts", "moods", "scope")
             for who in ("teacher", *(f"students.{size}" for size in family.SIZES))}
    students = {"students.base": 2.0, "students.small": 6.0, "students.tiny": 12.0, "maps": 30.0}
    return loop.Plan(steps, rate=1.5e-4, every=200, rates={**heads, **students})


def told(members: distil.Family, names: Names, cutter: batches.Cutter, dev: Sequence[corpus.Utterance]) -> str:
    """How everybody does on `dev`, in one line."""
    parts = []
    for name, model in members.members().items():
        said = watch.report(model, names, cutter, dev)
        parts.append(name + " " + " ".join(f"{task} {share:.1f}" for task, share in said.items()))
    return " | ".join(parts)


def general() -> network.Encoder:
    """The general encoder."""
    return opened(place.need(place.WORK / "encoder.npz", "dequantise"))


def opened(path: Path) -> network.Encoder:
    """The encoder of a file that `dequantise` or `pretrain` wrote."""
    return network.from_weights(dequantise.load(path), POSITIONS, family.POOLED)


def everyday(options: argparse.Namespace) -> list[str]:
    """Everyday questions, where a file of them is named; else none that is not the pack's own."""
    if options.everyday is None:
        read = corpus.read(options.pack)
        return [it.text for it in read.of("train") if it.labels and it.labels[0] == "out_of_scope/off_domain"]
    lines = options.everyday.read_text(encoding="utf-8").splitlines()
    texts = [normal(line)[0] for line in lines]
    fit = [it for it in texts if len(it) in EVERYDAY_CHARACTERS and not any(word in it for word in TELECOM)]
    return fit[::max(1, len(fit) // EVERYDAY)]


def embedded(encoder: network.Encoder, cutter: batches.Cutter, texts: Sequence[str]) -> torch.Tensor:
    """The embeddings of texts, in their order."""
    encoder.eval()
    cut = cutter.cut(texts)
    order = sorted(range(len(cut)), key=lambda row: len(cut[row].ids))
    device = torch.device("cpu")
    with torch.no_grad(), torch.autocast(device.type, torch.bfloat16, enabled=loop.is_mixed(device)):
        found = torch.cat([encoder(ids, mask)[1] for ids, mask in distil.parts([cut[row] for row in order], 64)])
    out = torch.empty_like(found)
    out[torch.tensor(order)] = found
    return out


def primed(model: network.Model, names: Names, cutter: batches.Cutter, utterances: Sequence[corpus.Utterance]) -> None:
    """Lets the intent head begin where a nearest-mean classifier over the encoder stands."""
    some = {label: [it for it in utterances if it.labels == (label,)][::8][:40] for label in names.labels}
    found = {label: embedded(model.encoder, cutter, corpus.texts(its)) for label, its in some.items() if its}
    mean = torch.cat(list(found.values())).mean(0)
    with torch.no_grad():
        for label, embeddings in found.items():
            row, way = names.labels.index(label), embeddings.mean(0) - mean
            model.intents.weight[row] = way / way.norm() * PRIMED
            model.intents.bias[row] = -network.SHARPNESS * (model.intents.weight[row] @ mean)


def anchored(encoder: network.Encoder, cutter: batches.Cutter, texts: Sequence[str]) -> torch.Tensor:
    """The embeddings of everyday texts by the general encoder, computed once."""
    kept = WORK / f"everyday-{hashlib.sha256(chr(10).join(texts).encode()).hexdigest()[:16]}.pt"
    if not kept.exists():
        beside = kept.with_suffix(f".{os.getpid()}")
        torch.save(embedded(encoder, cutter, texts), beside)
        beside.replace(kept)
    found: torch.Tensor = torch.load(kept, weights_only=True)
    return found


def fingerprint(pack: Path) -> str:
    """The sha256 of all files of a pack that training reads."""
    digest = hashlib.sha256()
    for path in sorted(pack.rglob("*")):
        if path.suffix in (".tsv", ".toml", ".txt"):
            digest.update(str(path.relative_to(pack)).encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def _cutter() -> batches.Cutter:
    return batches.Cutter(place.need(place.WORK / "tokenizer.json", "prune"))


STAGES: tuple[Callable[[argparse.Namespace], None], ...] = (
    run_all, run_corpus, run_pretrain, run_distil, run_ship, run_test)


def parser() -> argparse.ArgumentParser:
    """The command line's grammar."""
    line = argparse.ArgumentParser(prog="python3 -m models.pipeline.training", description=__doc__)
    line.add_argument("--pack", type=Path, default=corpus.PACK, help="the pack (default: telecom)")
    line.add_argument("--everyday", type=Path, help="everyday questions, one a line (see models/README.md)")
    stages = line.add_subparsers(required=True, metavar="STAGE")
    for stage in STAGES:
        command = stages.add_parser(stage.__name__.removeprefix("run_"), help=stage.__doc__, description=stage.__doc__)
        command.set_defaults(run=stage)
        if stage is run_pretrain:
            command.add_argument("--steps", type=int, default=700)
            command.add_argument("--batch", type=int, default=64)
            command.add_argument("--no-knowledge", action="store_true", help="mask single tokens only")
            command.add_argument("--out", type=Path, default=PRETRAINED)
        if stage is run_distil:
            command.add_argument("--steps", type=int, default=2_400)
            command.add_argument("--alone", type=int, default=500, help="first steps, of students alone")
            command.add_argument("--start", type=Path, default=None, help="encoder to begin with (default: general)")
            command.add_argument("--sizes", nargs="*", default=list(family.SIZES), choices=list(family.SIZES))
            command.add_argument("--leave-out", nargs="*", default=[], help="intents that are not shown")
            command.add_argument("--watched", type=int, default=600, help="utterances looked at while training")
            command.add_argument("--out", type=Path, default=FAMILY)
    return line


def main(arguments: list[str]) -> int:
    """Runs the command line; returns the exit status."""
    options = parser().parse_args(arguments)
    WORK.mkdir(parents=True, exist_ok=True)
    # New heads and students begin at random.
    torch.manual_seed(loop.Plan.seed)
    torch.set_num_threads(max(1, (os.cpu_count() or 1) // int(os.environ.get("WORLD_SIZE", "1"))))
    try:
        options.run(options)
    except place.Failed as error:
        print(f"training failed: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
