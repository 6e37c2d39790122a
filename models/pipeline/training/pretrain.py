"""Knowledge-enhanced pretraining of the encoder on the domain's language.

Three losses, over two passes of each batch:
- masked words (Devlin et al. 2019), where what is masked is mostly a whole entity of the catalogue or a whole phrase of
  the domain (as ERNIE, Sun et al. 2019), so that it must be known and not completed from its own half;
- replaced tokens (ELECTRA, Clark et al. 2020): the masked places are filled with what the encoder itself guesses,
  and the second pass says which tokens are not the customer's;
- contrast (SimCSE, Gao et al. 2021): the masked and the refilled view of a text are nearer than those of others.
A fourth keeps the embeddings of everyday text where the general encoder has them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from .batches import Cutter, Tokens, Windows, mask_of, padded
from .knowledge import Lexicon
from .network import Encoder

#: Share of a text's tokens that is masked, and of these the share kept or replaced by chance (as BERT).
MASKED, KEPT, RANDOM = 0.2, 0.1, 0.1
#: Of the masked places, the share that is taken from entities and phrases while there are any.
KNOWN = 0.8
TEMPERATURE = 0.05
WEIGHTS = {"words": 1.0, "replaced": 10.0, "contrast": 0.5, "keep": 4.0}
#: What the loss ignores.
NOTHING = -100


class Pretrainer(nn.Module):
    """The encoder with the two heads that only pretraining needs. Masked words are told from the word embeddings,
    which stay as they were published: 19,659 rows would be rewritten for the few thousand that the corpus has."""

    def __init__(self, encoder: Encoder) -> None:
        super().__init__()
        dims = encoder.shape.dims
        self.encoder = encoder
        encoder.words.requires_grad_(False)
        self.transform = nn.Sequential(nn.Linear(dims, dims), nn.GELU(), nn.LayerNorm(dims))
        self.bias = nn.Parameter(torch.zeros(encoder.words.num_embeddings))
        self.replaced = nn.Linear(dims, 1)

    def guesses(self, states: Tensor) -> Tensor:
        """Scores of every piece, `[places, pieces]`, for states `[places, dims]`."""
        words = functional.normalize(self.encoder.words.weight, dim=1)
        return functional.linear(self.transform(states), words) + self.bias


@dataclass(frozen=True)
class Text:
    """A text ready to be masked: its tokens, and the groups of token places that belong together."""

    tokens: Tokens
    groups: tuple[tuple[int, ...], ...]


def prepare(texts: Sequence[str], cutter: Cutter, lexicon: Lexicon | None) -> list[Text]:
    """Cuts texts and finds what belongs together; without a lexicon every token stands alone."""
    ready = []
    for text, tokens in zip(texts, cutter.cut(texts)):
        spans = lexicon.find(text) if lexicon else []
        groups = (tuple(at for at, (start, end) in enumerate(tokens.places) if start < last and end > first)
                  for first, last in spans)
        ready.append(Text(tokens, tuple(group for group in groups if group)))
    return ready


class Step:
    """One step of pretraining over own texts and everyday ones."""

    def __init__(self, module: Pretrainer, own: Sequence[Text], everyday: Sequence[Text], kept: Tensor,
                 cutter: Cutter, batch: int, device: torch.device) -> None:
        self.module, self.own, self.everyday, self.kept = module, own, everyday, kept
        self.cutter, self.batch, self.device = cutter, batch, device
        self.windows = [Windows([len(it.tokens.ids) for it in texts]) for texts in (own, everyday)]

    def __call__(self, step: int, random: torch.Generator) -> Mapping[str, Tensor]:
        """The losses of one batch: three quarters the domain's texts, a quarter everyday ones."""
        few = self.batch // 4
        share = float(torch.rand((), generator=random))
        chosen = self.windows[0].draw(self.batch - few, share, random)
        common = self.windows[1].draw(few, share, random)
        texts = [self.own[it] for it in chosen] + [self.everyday[it] for it in common]
        rows = [it.tokens.ids for it in texts]
        ids, mask = padded(rows).to(self.device), mask_of(rows).to(self.device)
        hidden = self._hide(texts, ids.shape[1], random).to(self.device)
        module = self.module
        states, first = module.encoder(self._masked(ids, hidden, random), mask)
        guesses = module.guesses(states[hidden])
        refilled = ids.clone()
        refilled[hidden] = torch.distributions.Categorical(logits=guesses.detach().float()).sample()
        states, second = module.encoder(refilled, mask)
        wrong = (refilled != ids).float()
        told = functional.binary_cross_entropy_with_logits(
            module.replaced(states)[:, :, 0].float(), wrong, reduction="none")
        alike = first @ second.T / TEMPERATURE
        itself = torch.arange(len(texts), device=self.device)
        losses = {
            "words": functional.cross_entropy(guesses.float(), ids[hidden]),
            "replaced": (told * mask).sum() / mask.sum(),
            "contrast": functional.cross_entropy(alike, itself),
            "keep": (second[-few:] - self.kept[common].to(self.device)).pow(2).sum(1).mean(),
        }
        return {name: loss * WEIGHTS[name] for name, loss in losses.items()}

    def _hide(self, texts: Sequence[Text], width: int, random: torch.Generator) -> Tensor:
        """Which tokens are hidden, `[batch, width]`: whole groups first, then single tokens."""
        hidden = torch.zeros(len(texts), width, dtype=torch.bool)
        for number, text in enumerate(texts):
            own = [at for at, (start, end) in enumerate(text.tokens.places) if end > start]
            most = max(1, round(len(own) * MASKED))
            taken: list[int] = []
            for pick in torch.randperm(len(text.groups), generator=random).tolist():
                if len(taken) >= most * KNOWN:
                    break
                taken += text.groups[pick]
            for pick in torch.randperm(len(own), generator=random).tolist():
                if len(taken) >= most:
                    break
                if own[pick] not in taken:
                    taken.append(own[pick])
            hidden[number, taken] = True
        return hidden

    def _masked(self, ids: Tensor, hidden: Tensor, random: torch.Generator) -> Tensor:
        """Hidden tokens become the mask; some stay, some become another token."""
        chance = torch.rand(ids.shape, generator=random).to(self.device)
        other = torch.randint(5, self.cutter.pieces, ids.shape, generator=random).to(self.device)
        masked = ids.clone()
        masked[hidden & (chance >= KEPT + RANDOM)] = self.cutter.mask_id
        swapped = hidden & (chance < RANDOM)
        masked[swapped] = other[swapped]
        return masked
