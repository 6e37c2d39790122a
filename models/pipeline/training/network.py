"""The encoder as a PyTorch module, with its heads. Names of tensors are those of `dequantise.Weights`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from ..dequantise import Floats, Shape, Weights
from ..quantise import in_blocks

DROPOUT = 0.1
#: Logits of the intent head are cosines times this: unit vectors alone could not be sure of anything.
SHARPNESS = 16.0


class Encoder(nn.Module):
    """BERT over token ids. `forward` gives the states of the last layers and the embedding."""

    def __init__(self, shape: Shape, pieces: int, pooled: int, dropout: float = DROPOUT) -> None:
        super().__init__()
        self.shape, self.pooled = shape, pooled
        self.words = nn.Embedding(pieces, shape.dims)
        self.position = nn.Parameter(torch.zeros(shape.positions, shape.dims))
        self.norm = nn.LayerNorm(shape.dims, shape.epsilon)
        self.layers = nn.ModuleList(Layer(shape, dropout) for _ in range(shape.layers))
        self.dropout = nn.Dropout(dropout)

    def forward(self, ids: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """`[batch, tokens]` ids and mask -> states `[batch, tokens, dims]` of the last layer, and the unit
        embeddings `[batch, dims]`: the mean over tokens of the last `pooled` layers."""
        state = self.words(ids) + self.position[:ids.shape[1]]
        state = self.dropout(self.norm(state))
        attend = mask.bool()[:, None, None, :]
        states = []
        for layer in self.layers:
            state = layer(state, attend)
            states.append(state)
        mean = torch.stack(states[-self.pooled:]).mean(0).float()
        present = mask[:, :, None].float()
        embedding = (mean * present).sum(1) / present.sum(1).clamp(min=1)
        return state.float(), functional.normalize(embedding, dim=1)


class Layer(nn.Module):
    """One layer: attention and two products, each followed by a norm."""

    def __init__(self, shape: Shape, dropout: float) -> None:
        super().__init__()
        dims = shape.dims
        self.heads = shape.heads
        self.query, self.key, self.value = (nn.Linear(dims, dims) for _ in range(3))
        self.attended, self.attended_norm = nn.Linear(dims, dims), nn.LayerNorm(dims, shape.epsilon)
        self.inner, self.outer = nn.Linear(dims, shape.inner), nn.Linear(shape.inner, dims)
        self.outer_norm = nn.LayerNorm(dims, shape.epsilon)
        self.dropout = nn.Dropout(dropout)

    def forward(self, state: Tensor, attend: Tensor) -> Tensor:
        """`[batch, tokens, dims]` -> the same shape."""
        batch, tokens, dims = state.shape
        parts = [part(state).view(batch, tokens, self.heads, -1).transpose(1, 2)
                 for part in (self.query, self.key, self.value)]
        dropout = self.dropout.p if self.training else 0.0
        mixed = functional.scaled_dot_product_attention(*parts, attn_mask=attend, dropout_p=dropout)
        mixed = self.attended(mixed.transpose(1, 2).reshape(batch, tokens, dims))
        state = self.attended_norm(state + self.dropout(mixed))
        inner = self.outer(functional.gelu(self.inner(state)))
        out: Tensor = self.outer_norm(state + self.dropout(inner))
        return out


@dataclass(frozen=True)
class Outputs:
    """What the heads say of a batch: logits, and the unit embeddings."""

    embedding: Tensor
    intents: Tensor
    tags: Tensor
    acts: Tensor
    moods: Tensor
    scope: Tensor


class Model(nn.Module):
    """An encoder with a head for each task."""

    def __init__(self, encoder: Encoder, labels: int, tags: int, acts: int, moods: int) -> None:
        super().__init__()
        dims = encoder.shape.dims
        self.encoder = encoder
        self.intents = nn.Linear(dims, labels)
        self.tags = nn.Linear(dims, tags)
        self.acts = nn.Linear(dims, acts)
        self.moods = nn.Linear(dims, moods)
        self.scope = nn.Linear(dims, 1)
        for head in (self.intents, self.tags, self.acts, self.moods, self.scope):
            nn.init.normal_(head.weight, std=0.02)
            nn.init.zeros_(head.bias)

    def forward(self, ids: Tensor, mask: Tensor) -> Outputs:
        """All scores of a batch; `[batch, tokens]` ids and mask."""
        states, embedding = self.encoder(ids, mask)
        sharp = embedding * SHARPNESS
        return Outputs(embedding, self.intents(sharp), self.tags(states), self.acts(sharp), self.moods(sharp),
                       self.scope(sharp)[:, 0])


def from_weights(weights: Weights, positions: int, pooled: int) -> Encoder:
    """A module with these weights; the first `positions` positions are kept."""
    shape = Shape(weights.shape.dims, weights.shape.layers, weights.shape.heads, weights.shape.inner, positions,
                  weights.shape.epsilon)
    encoder = Encoder(shape, len(weights.words.codes), pooled)
    state = {"words.weight": weights.words.values(), "position": weights.tensors["position"][:positions]}
    for name, values in weights.tensors.items():
        if name != "position":
            state[_in_module(name)] = values
    encoder.load_state_dict({name: torch.from_numpy(np.ascontiguousarray(it)) for name, it in state.items()})
    return encoder


def to_weights(encoder: Encoder) -> Weights:
    """The weights of a module, its word embeddings cut into 4-bit blocks as they are shipped."""
    tensors: dict[str, Floats] = {}
    words: Floats = encoder.words.weight.detach().numpy()
    for name, values in encoder.state_dict().items():
        if name != "words.weight":
            tensors[_in_weights(name)] = values.numpy()
    return Weights(encoder.shape, in_blocks(words), tensors)


def _in_module(name: str) -> str:
    if name.startswith("embed.norm"):
        return name.removeprefix("embed.")
    return "layers." + name.replace("attended.norm", "attended_norm").replace("outer.norm", "outer_norm")


def _in_weights(name: str) -> str:
    if name.startswith("norm."):
        return "embed." + name
    return name.removeprefix("layers.").replace("attended_norm", "attended.norm").replace("outer_norm", "outer.norm")


def smaller(teacher: Encoder, layers: Sequence[int], dims: int, heads: int, inner: int, pooled: int) -> Encoder:
    """A student that begins as a part of its teacher: `layers` of it, all tensors projected to `dims`.

    The projection is onto the principal directions of the teacher's word embeddings; with the teacher's own
    width nothing is projected.
    """
    shape = Shape(dims, len(layers), heads, inner, teacher.shape.positions, teacher.shape.epsilon)
    # Its teacher is noise enough.
    student = Encoder(shape, teacher.words.num_embeddings, pooled, dropout=0.0)
    words = teacher.words.weight.detach()
    axes = _axes(words, dims) if dims < teacher.shape.dims else torch.eye(dims)
    wide = teacher.state_dict()
    narrow = {name: _projected(wide[_of_layer(name, layers)], it.shape, axes, teacher.shape.dims)
              for name, it in student.state_dict().items()}
    student.load_state_dict(narrow)
    return student


def _axes(words: Tensor, dims: int) -> Tensor:
    """The `dims` strongest directions `[wide, dims]` of the rows, orthonormal."""
    centred = words - words.mean(0)
    _, vectors = torch.linalg.eigh(centred.T @ centred)
    return vectors[:, -dims:].flip(1)


def _of_layer(name: str, layers: Sequence[int]) -> str:
    if not name.startswith("layers."):
        return name
    _, number, rest = name.split(".", 2)
    return f"layers.{layers[int(number)]}.{rest}"


def _projected(wide: Tensor, shape: torch.Size, axes: Tensor, dims: int) -> Tensor:
    """A tensor of the teacher in the student's shape: model dimensions are projected, inner ones cut off."""
    if wide.shape == shape:
        return wide.clone()
    if wide.dim() == 1:
        return wide[:shape[0]].clone() if wide.shape[0] != dims else _vector(wide, axes)
    rows, columns = wide.shape
    if columns == dims:
        wide = wide @ axes
    if rows == dims and shape[0] == axes.shape[1]:
        wide = axes.T @ wide
    return wide[:shape[0], :shape[1]].clone()


def _vector(wide: Tensor, axes: Tensor) -> Tensor:
    """A norm's gain stays near its mean, which no rotation changes; a bias is projected."""
    if (wide > 0).float().mean() > 0.9:
        return wide.mean().expand(axes.shape[1]).clone()
    return axes.T @ wide
