"""Runs an exported network on the CPU, for the golden file, for measuring accuracy and for measuring speed."""

from __future__ import annotations

import statistics
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from tokenizers import Tokenizer

from .dequantise import Floats
from .vocabulary import PREFIX

PADDING = 1


class Encoder:
    """A network with its tokenizer, on one thread as `nlu` runs it."""

    def __init__(self, model: Path, tokenizer: Path) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        self.session = onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])
        self.tokenizer = Tokenizer.from_file(str(tokenizer))

    def ids(self, text: str) -> list[int]:
        """The token ids of a text behind the prefix."""
        return self.tokenizer.encode(PREFIX + text).ids

    def embed(self, texts: Sequence[str], batch: int = 32) -> Floats:
        """One embedding a text, `[texts, dims]`. Texts of like length share a batch."""
        rows = [self.ids(text) for text in texts]
        order = sorted(range(len(rows)), key=lambda row: len(rows[row]))
        found: dict[int, Floats] = {}
        for start in range(0, len(order), batch):
            part = order[start:start + batch]
            found.update(zip(part, self.run([rows[row] for row in part])))
        return np.stack([found[row] for row in range(len(rows))])

    def run(self, rows: Sequence[Sequence[int]]) -> Floats:
        """The embeddings of one batch of token ids."""
        return self._run(*self.batch(rows))

    def scores(self, row: Sequence[int], head: str) -> Floats | None:
        """What a head says of one text, or None where the network does not have it."""
        if head not in [output.name for output in self.session.get_outputs()]:
            return None
        ids, mask = self.batch([row])
        (found,) = self.session.run([head], {"input_ids": ids, "attention_mask": mask})
        said: Floats = found[0]
        return said

    def batch(self, rows: Sequence[Sequence[int]]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Token ids padded to the longest row, and their mask."""
        length = max(len(row) for row in rows)
        ids = np.array([[*row, *[PADDING] * (length - len(row))] for row in rows], np.int64)
        mask = np.array([[1] * len(row) + [0] * (length - len(row)) for row in rows], np.int64)
        return ids, mask

    def milliseconds(self, texts: int, tokens: int, times: int = 60) -> float:
        """The median time of one batch of `texts` texts of `tokens` tokens."""
        ids = np.random.default_rng(0).integers(4, self.tokenizer.get_vocab_size(), (texts, tokens))
        taken = []
        for _ in range(times):
            start = time.perf_counter()
            self._run(ids, np.ones_like(ids))
            taken.append(time.perf_counter() - start)
        return statistics.median(taken) * 1000

    def _run(self, ids: NDArray[np.int64], mask: NDArray[np.int64]) -> Floats:
        embedding: Floats
        (embedding,) = self.session.run(["embedding"], {"input_ids": ids, "attention_mask": mask})
        return embedding
