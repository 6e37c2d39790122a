"""Keeps the part of the vocabulary that Chinese callers need.

The pretrained tokenizer knows 250,002 pieces of a hundred languages; their embeddings are four fifths of
the network. pieces.txt, one piece a line in the order of the source, names those that stay. `choose` made
that file; `prune` applies it.

A unigram tokenizer takes the likeliest way to cut a text into pieces, so a removed piece changes only the
texts in whose best cut it was: `differing` counts them.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer

from . import place

#: <s>, <pad>, </s> and <unk> keep their ids.
SPECIAL = 4
#: What the encoder was trained to see before a text; pieces are counted and texts encoded with it.
PREFIX = "query: "
HAN = re.compile(r"^▁?[\u3400-\u9fff]+$")
#: A piece with signs of other writings that natural text uses less often than this is left to shorter ones.
RARE = 2


def prune(tokenizer: Path, pieces: Path, into: Path) -> list[int]:
    """Writes the tokenizer cut to the pieces listed; returns their ids in the source, by new id."""
    full = json.loads(tokenizer.read_text(encoding="utf-8"))
    wanted = pieces.read_text(encoding="utf-8").split("\n")[:-1]
    vocabulary = full["model"]["vocab"]
    rows = list(range(SPECIAL)) + _rows(vocabulary, wanted)
    full["model"]["vocab"] = [vocabulary[row] for row in rows]
    full["added_tokens"] = [token for token in full["added_tokens"] if token["id"] < SPECIAL]
    full["padding"] = full["truncation"] = None
    into.parent.mkdir(parents=True, exist_ok=True)
    into.write_text(json.dumps(full, ensure_ascii=False, separators=(",", ":")), encoding="utf-8")
    return rows


def _rows(vocabulary: list[Any], wanted: Sequence[str]) -> list[int]:
    places = {piece: row for row, (piece, _) in enumerate(vocabulary)}
    unknown = [piece for piece in wanted if piece not in places]
    if unknown:
        raise place.Failed(f"pieces.txt names {unknown[0]!r}, which the tokenizer does not have")
    return sorted({places[piece] for piece in wanted})


def choose(tokenizer: Path, natural: Iterable[str], own: Iterable[str]) -> list[str]:
    """The pieces to keep, in the order of the source.

    `natural`: much everyday text, which says what is common. `own`: the project's utterances, of which
    every piece is kept. Chinese pieces stay where they are in simplified writing (`nlu` converts to it) or
    common text uses them; ASCII and punctuation where they are used, with all single characters.
    """
    vocabulary = json.loads(tokenizer.read_text(encoding="utf-8"))["model"]["vocab"]
    reader = _reader(tokenizer)
    common, needed = count(reader, natural), count(reader, own)
    return [piece for row, (piece, _) in enumerate(vocabulary)
            if row >= SPECIAL and piece != "<mask>" and (row in needed or is_kept(piece, common[row]))]


def is_kept(piece: str, times: int) -> bool:
    """Whether a piece that natural text used `times` times stays."""
    bare = piece.strip("▁")
    if HAN.match(piece):
        return times > 0 or _is_simplified(bare)
    if bare.isascii():
        return len(bare) <= 1 or times > 0 or _is_short(bare)
    return times >= RARE and all(_is_chinese_or_sign(character) for character in bare)


def _is_simplified(text: str) -> bool:
    try:
        text.encode("gb2312")
    except UnicodeEncodeError:
        return False
    return True


def _is_short(bare: str) -> bool:
    """Two lower-case letters or up to three digits: what unseen names and numbers are cut into."""
    return (bare.isdigit() and len(bare) <= 3) or (len(bare) == 2 and bare.isalpha() and bare.islower())


def _is_chinese_or_sign(character: str) -> bool:
    return (character.isascii() or "\u3400" <= character <= "\u9fff"
            or unicodedata.category(character)[0] in "PSN")


def count(reader: Tokenizer, texts: Iterable[str]) -> Counter[int]:
    """How often each piece is used in `texts`."""
    times: Counter[int] = Counter()
    for batch in _batches(texts, 4096):
        for encoded in reader.encode_batch([PREFIX + text for text in batch]):
            times.update(encoded.ids)
    return times


def differing(full: Path, pruned: Path, texts: Iterable[str]) -> list[str]:
    """The texts that the pruned tokenizer cuts otherwise than the full one."""
    before, after = _reader(full), _reader(pruned)
    different: list[str] = []
    for batch in _batches(texts, 4096):
        prefixed = [PREFIX + text for text in batch]
        pairs = zip(batch, before.encode_batch(prefixed), after.encode_batch(prefixed))
        different += [text for text, one, other in pairs if one.tokens != other.tokens]
    return different


def _reader(path: Path) -> Tokenizer:
    """The tokenizer without the padding and cutting that a published file may ask for."""
    reader = Tokenizer.from_file(str(path))
    reader.no_padding()
    reader.no_truncation()
    return reader


def _batches(texts: Iterable[str], size: int) -> Iterator[list[str]]:
    batch: list[str] = []
    for text in texts:
        batch.append(text)
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch
