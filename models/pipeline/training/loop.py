"""The training loop that every stage shares: seeded, resumable, and elastic under `torchrun`.

Every step draws its randomness from (seed, step, worker), so a run that is cut off and goes on from its
checkpoint ends exactly where one that was never cut off does. Workers average their gradients; when one dies,
`torchrun --max-restarts` starts all of them again and they go on from the last checkpoint. On a GPU products are
computed in float16 or bfloat16, on a processor that has bfloat16 in that, else in float32.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import torch

# Loaded late, as the optimizer would, its defaults hold on to the group of workers; and a worker that ends while the
# threads of its group live on may abort ("terminate called without an active exception").
import torch.distributed.nn
from torch import Tensor, distributed, nn
from torch.distributed.rendezvous import rendezvous
from tqdm import tqdm

#: How much of the running average of the weights is kept at each step.
AVERAGE = 0.99


@dataclass(frozen=True)
class Plan:
    """How a run goes: `steps` in all, the rate that is reached after `warm` of them and then falls to zero."""

    steps: int
    rate: float
    seed: int = 20261124
    warm: float = 0.06
    decay: float = 0.01
    clip: float = 1.0
    #: Steps between checkpoints.
    every: int = 100
    #: Factor of the rate for parameters whose name begins so; the longest prefix decides.
    rates: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Worker:
    """One process of a run."""

    rank: int
    size: int
    device: torch.device

    @property
    def is_first(self) -> bool:
        """Whether it writes files and speaks."""
        return self.rank == 0


@contextmanager
def worker() -> Iterator[Worker]:
    """This process as one of those that `torchrun` started, or alone."""
    rank, size = int(os.environ.get("RANK", "0")), int(os.environ.get("WORLD_SIZE", "1"))
    on_gpu = torch.cuda.is_available()
    device = torch.device("cuda", int(os.environ.get("LOCAL_RANK", "0"))) if on_gpu else torch.device("cpu")
    if size > 1:
        # The store of `torchrun` outlives its workers (pytorch issue 135712): under keys of their own, workers that
        # are started again do not find the addresses of dead ones. The count is that of one machine.
        store, _, _ = next(rendezvous("env://"))
        life = f"life {os.environ.get('TORCHELASTIC_RESTART_COUNT', '0')}"
        store = distributed.PrefixStore(life, store)  # type: ignore[attr-defined]
        distributed.init_process_group("nccl" if on_gpu else "gloo", store=store, rank=rank, world_size=size)
    try:
        yield Worker(rank, size, device)
    finally:
        if size > 1:
            distributed.destroy_process_group()


#: (step, random numbers of this step and worker) -> the losses by name; their sum is minimised.
Step = Callable[[int, torch.Generator], Mapping[str, Tensor]]


class Run:
    """A module in training."""

    def __init__(self, module: nn.Module, plan: Plan, me: Worker, checkpoint: Path) -> None:
        self.module, self.plan, self.me, self.checkpoint = module.to(me.device), plan, me, checkpoint
        if me.size > 1:
            # Workers share gradients, which keeps alike only what began alike.
            for it in module.state_dict().values():
                distributed.broadcast(it, 0)
        self.optimizer = torch.optim.AdamW(self._groups(), lr=plan.rate, betas=(0.9, 0.98), eps=1e-6)
        self.average = {name: it.detach().clone() for name, it in module.named_parameters()}
        self.next = 0
        if checkpoint.exists():
            self._load()

    def go(self, step: Step, watch: Callable[[int], str] | None = None, watch_every: int = 400) -> None:
        """Trains to the last step; `watch` looks at the averaged module now and then and says how it does."""
        bar = tqdm(total=self.plan.steps, initial=self.next, disable=not self.me.is_first, mininterval=5)
        while self.next < self.plan.steps:
            losses = self._one(step)
            self.next += 1
            if self.me.is_first:
                bar.update()
                bar.set_postfix_str(" ".join(f"{name} {loss.item():.3f}" for name, loss in losses.items()), False)
                if self.next % self.plan.every == 0 or self.next == self.plan.steps:
                    self._save()
                if watch and (self.next % watch_every == 0 or self.next == self.plan.steps):
                    with self.averaged():
                        bar.write(f"step {self.next}: {watch(self.next)}")
        bar.close()

    @contextmanager
    def averaged(self) -> Iterator[None]:
        """The module with the running average of its weights, in evaluation mode."""
        own = {name: it.detach().clone() for name, it in self.module.named_parameters()}
        self._put(self.average)
        self.module.eval()
        try:
            with torch.no_grad():
                yield
        finally:
            self._put(own)
            self.module.train()

    def _one(self, step: Step) -> Mapping[str, Tensor]:
        seed = (self.plan.seed * 1_000_003 + self.next) * 64 + self.me.rank
        torch.manual_seed(seed)
        for group in self.optimizer.param_groups:
            group["lr"] = self.plan.rate * group["factor"] * self._share()
        self.module.train()
        self.optimizer.zero_grad(set_to_none=True)
        with torch.autocast(self.me.device.type, torch.bfloat16, enabled=is_mixed(self.me.device)):
            losses = step(self.next, torch.Generator().manual_seed(seed))
        total = torch.stack(list(losses.values())).sum()
        total.backward()  # type: ignore[no-untyped-call]
        parameters = [it for it in self.module.parameters() if it.requires_grad and it.grad is not None]
        self._share_gradients(parameters)
        nn.utils.clip_grad_norm_(parameters, self.plan.clip)
        self.optimizer.step()
        keep = min(AVERAGE, (1 + self.next) / (10 + self.next))
        with torch.no_grad():
            for name, it in self.module.named_parameters():
                self.average[name].lerp_(it, 1 - keep)
        return losses

    def _share_gradients(self, parameters: Iterable[nn.Parameter]) -> None:
        if self.me.size == 1:
            return
        gradients = [it.grad for it in parameters if it.grad is not None]
        flat = torch.cat([it.flatten() for it in gradients])
        distributed.all_reduce(flat)
        flat /= self.me.size
        for gradient, part in zip(gradients, flat.split([it.numel() for it in gradients])):
            gradient.copy_(part.view_as(gradient))

    def _share(self) -> float:
        warm = max(1, int(self.plan.warm * self.plan.steps))
        if self.next < warm:
            return (self.next + 1) / warm
        return max(0.0, (self.plan.steps - self.next) / max(1, self.plan.steps - warm))

    def _groups(self) -> list[dict[str, object]]:
        groups: dict[tuple[float, float], list[nn.Parameter]] = {}
        for name, it in self.module.named_parameters():
            if not it.requires_grad:
                continue
            prefixes = [prefix for prefix in self.plan.rates if name.startswith(prefix)]
            factor = self.plan.rates[max(prefixes, key=len)] if prefixes else 1.0
            decay = self.plan.decay if it.dim() > 1 else 0.0
            groups.setdefault((factor, decay), []).append(it)
        return [{"params": its, "factor": factor, "weight_decay": decay} for (factor, decay), its in groups.items()]

    def _put(self, values: Mapping[str, Tensor]) -> None:
        with torch.no_grad():
            for name, it in self.module.named_parameters():
                it.copy_(values[name])

    def _save(self) -> None:
        beside = self.checkpoint.with_suffix(".new")
        torch.save({"next": self.next, "module": self.module.state_dict(), "average": self.average,
                    "optimizer": self.optimizer.state_dict()}, beside)
        beside.replace(self.checkpoint)

    def _load(self) -> None:
        kept = torch.load(self.checkpoint, map_location=self.me.device, weights_only=True)
        self.module.load_state_dict(kept["module"])
        factors = [group["factor"] for group in self.optimizer.param_groups]
        self.optimizer.load_state_dict(kept["optimizer"])
        for group, factor in zip(self.optimizer.param_groups, factors):
            group["factor"] = factor
        self.average, self.next = kept["average"], kept["next"]


def is_mixed(device: torch.device) -> bool:
    """Whether products are computed in bfloat16."""
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported()
    return bool(torch.backends.mkldnn.is_available() and torch.ops.mkldnn._is_mkldnn_bf16_supported())
