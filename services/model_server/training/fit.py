"""Train Kompress: ``python -m training.fit --data DIRECTORY --out DIRECTORY``.

What lives here: batches, loss, schedule, a checkpoint per epoch.
What does not: what the product gains by it (evaluate).
"""

from __future__ import annotations

import argparse
import random
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from furler_kompress.encode import Chunk, pool
from training import network
from training.data import Passage, Sample, read_passages, samples, split
from training.measures import best_f1

RATE: Final = 1.5e-4
BATCH: Final = 16
EPOCHS: Final = 4
WARM_UP: Final = 0.1
SHAPE_RATE: Final = 3.0
"""The table of shapes is new and small: it learns three times as fast as the rest."""
DECAY: Final = 0.01
_JITTER: Final = 16
"""Tokens by which lengths are blurred before sorting: batches of near lengths, never the same."""


@dataclass(frozen=True, slots=True)
class Batch:
    """int64 [B, L] inputs, float32 [B, L] targets and weights; L a multiple of 32."""

    inputs: tuple[Tensor, Tensor, Tensor]
    targets: Tensor
    weights: Tensor

    def to(self, device: torch.device) -> Batch:
        """Return the batch on a device."""
        ids, mask, kinds = (x.to(device) for x in self.inputs)
        return Batch((ids, mask, kinds), self.targets.to(device), self.weights.to(device))


def batches(group: Sequence[Sample], size: int, order: random.Random | None) -> Iterator[Batch]:
    """Yield batches of samples of near length; shuffled where ``order`` is given."""
    blur = [order.random() * _JITTER if order else 0.0 for _ in group]
    ranked = sorted(range(len(group)), key=lambda i: (group[i].chunk.length + blur[i], i))
    parts = [ranked[i : i + size] for i in range(0, len(ranked), size)]
    if order:
        order.shuffle(parts)
    for part in parts:
        yield _batch([group[i] for i in part])


def _batch(group: Sequence[Sample]) -> Batch:
    longest = max(sample.chunk.length for sample in group)
    length = (longest + 31) // 32 * 32
    chunks = [sample.chunk for sample in group]
    ids = _stack([chunk.input_ids for chunk in chunks], length, torch.int64)
    mask = _stack([chunk.attention_mask for chunk in chunks], length, torch.int64)
    kinds = _stack([chunk.token_type_ids for chunk in chunks], length, torch.int64)
    targets = _stack([sample.targets for sample in group], length, torch.float32)
    weights = _stack([sample.weights for sample in group], length, torch.float32)
    return Batch((ids, mask, kinds), targets, weights)


def _stack(
    rows: Sequence[NDArray[np.int64] | NDArray[np.float32]], length: int, dtype: torch.dtype
) -> Tensor:
    out = torch.zeros(len(rows), length, dtype=dtype)
    for i, row in enumerate(rows):
        cut = min(length, len(row))
        out[i, :cut] = torch.from_numpy(row[:cut])
    return out


def loss_of(logits: Tensor, batch: Batch) -> Tensor:
    """Return the weighted mean of the binary cross-entropy over judged tokens."""
    each = nn.functional.binary_cross_entropy_with_logits(logits, batch.targets, reduction="none")
    return (each * batch.weights).sum() / batch.weights.sum()


def predict(model: network.Kompress, chunks: Sequence[Chunk]) -> list[NDArray[np.float32]]:
    """Return the probability of each token of each chunk, float32 [L], one chunk at a time."""
    device = next(model.parameters()).device
    model.eval()
    answers = []
    with torch.inference_mode(), torch.autocast(device.type, dtype=torch.bfloat16):
        for chunk in chunks:
            n = chunk.length
            inputs = (chunk.input_ids, chunk.attention_mask, chunk.token_type_ids)
            logits = model(*(torch.from_numpy(x[None, :n]).to(device) for x in inputs))
            answers.append(torch.sigmoid(logits.float())[0].cpu().numpy())
    return answers


def word_scores(model: network.Kompress, chunks: Sequence[Chunk]) -> NDArray[np.float32]:
    """Return a score per word of the text that the chunks were cut from."""
    return pool(chunks, predict(model, chunks))


def optimizer_of(model: network.Kompress, rate: float) -> torch.optim.AdamW:
    """Return AdamW: no decay for vectors, a higher rate for the shapes."""
    named = list(model.named_parameters())
    table = [p for n, p in named if "token_type" in n]
    matrices = [p for n, p in named if p.ndim >= 2 and "token_type" not in n]
    vectors = [p for n, p in named if p.ndim < 2]
    groups = [
        {"params": matrices, "weight_decay": DECAY, "factor": 1.0},
        {"params": vectors, "weight_decay": 0.0, "factor": 1.0},
        {"params": table, "weight_decay": 0.0, "factor": SHAPE_RATE},
    ]
    return torch.optim.AdamW(groups, lr=rate)


@dataclass(frozen=True, slots=True)
class Plan:
    """What a run does; the same plan and seed give the same weights on the same machine."""

    seed: int
    epochs: int
    rate: float
    batch: int


def train(
    model: network.Kompress, group: Sequence[Sample], dev: Sequence[Passage], plan: Plan, out: Path
) -> None:
    """Train in place, write a checkpoint after every epoch and report F1 on ``dev``."""
    device = next(model.parameters()).device
    order = random.Random(plan.seed)  # noqa: S311 - an order, not a secret
    optimizer = optimizer_of(model, plan.rate)
    steps = plan.epochs * ((len(group) + plan.batch - 1) // plan.batch)
    step = 0
    for epoch in range(1, plan.epochs + 1):
        model.train()
        begun, tokens, total = time.monotonic(), 0, 0.0
        for count, batch in enumerate(batches(group, plan.batch, order), 1):
            factor = min(1.0, (step + 1) / (WARM_UP * steps)) * (1 - step / steps)
            for part in optimizer.param_groups:
                part["lr"] = plan.rate * factor * part["factor"]
            on_device = batch.to(device)
            with torch.autocast(device.type, dtype=torch.bfloat16):
                logits = model(*on_device.inputs)
            loss = loss_of(logits.float(), on_device)
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
            step += 1
            tokens += batch.inputs[0].numel()
            total += loss.item()
            if step % 20 == 0:
                speed = tokens / (time.monotonic() - begun)
                print(f"{step}/{steps} loss {total / count:.4f} {speed:.0f} tokens/s", flush=True)
        network.save(model, out / f"epoch-{epoch}.safetensors")
        print(f"epoch {epoch}: {report(model, dev)}", flush=True)


def report(model: network.Kompress, passages: Sequence[Passage]) -> str:
    """Return the best F1 of the light and the tight version, one threshold each for all."""
    scores = [word_scores(model, [s.chunk for s in samples(p)]) for p in passages]
    joined = np.concatenate(scores)
    labels = np.concatenate([np.asarray(p.labels) for p in passages])
    (light, at_light), (tight, at_tight) = (best_f1(joined, labels >= level) for level in (1, 2))
    return f"light F1 {light:.4f} at {at_light:.3f}, tight F1 {tight:.4f} at {at_tight:.3f}"


def main() -> None:
    """Read the options, train, write checkpoints."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--epochs", type=int, default=EPOCHS)
    parser.add_argument("--rate", type=float, default=RATE)
    parser.add_argument("--batch", type=int, default=BATCH)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--passages", type=int, default=0, help="learn from about so many; 0: all")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    parts = split(read_passages(options.data / "labels.jsonl"))
    step = max(1, len(parts.train) // options.passages) if options.passages else 1
    group = [sample for passage in parts.train[::step] for sample in samples(passage)]
    print(f"{len(group)} samples, {len(parts.dev)} dev, {len(parts.test)} test", flush=True)
    model = network.untrained(options.seed)
    plan = Plan(options.seed, options.epochs, options.rate, options.batch)
    torch.manual_seed(options.seed)
    train(model.to(device), group, parts.dev, plan, options.out)


if __name__ == "__main__":
    main()
