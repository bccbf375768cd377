"""From one language to another: nn.Transformer with its masks, and a GRU with additive attention, on padded batches."""

import math

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch import Tensor
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence, pad_sequence
from torch.utils.data import DataLoader

PAD, BOS, EOS = 1, 2, 3
pairs = [([4 + i % 5, 5 + i % 3, 6][: 1 + i % 3], [8 + i % 4, 4 + i % 5, 7, 5][: 2 + i % 3]) for i in range(8)]


def collate_fn(batch):
    ends = [[torch.tensor([BOS, *tokens, EOS]) for tokens in side] for side in zip(*batch)]
    return tuple(pad_sequence(side, padding_value=PAD) for side in ends)


class PositionalEncoding(nn.Module):
    def __init__(self, emb_size: int, maxlen: int = 20):
        super().__init__()
        den = torch.exp(-torch.arange(0, emb_size, 2) * math.log(10000) / emb_size)
        pos = torch.arange(0, maxlen).reshape(maxlen, 1)
        pos_embedding = torch.zeros((maxlen, emb_size))
        pos_embedding[:, 0::2] = torch.sin(pos * den)
        pos_embedding[:, 1::2] = torch.cos(pos * den)
        self.register_buffer("pos_embedding", pos_embedding.unsqueeze(-2))

    def forward(self, tokens: Tensor):
        return tokens + self.pos_embedding[: tokens.size(0), :]


class Seq2SeqTransformer(nn.Module):
    def __init__(self, size: int, vocab_size: int):
        super().__init__()
        self.transformer = nn.Transformer(size, 2, 1, 2, 12, dropout=0.0)
        self.generator = nn.Linear(size, vocab_size)
        self.src_emb, self.tgt_emb = nn.Embedding(vocab_size, size), nn.Embedding(vocab_size, size)
        self.positional_encoding = PositionalEncoding(size)
        self.size = size

    def embed(self, embedding, tokens):
        return self.positional_encoding(embedding(tokens.long()) * math.sqrt(self.size))

    def forward(self, src, tgt, tgt_mask, src_padding, tgt_padding):
        src_mask = torch.zeros((src.shape[0], src.shape[0])).type(torch.bool)
        outs = self.transformer(
            self.embed(self.src_emb, src),
            self.embed(self.tgt_emb, tgt),
            src_mask,
            tgt_mask,
            None,
            src_padding,
            tgt_padding,
            src_padding,
        )
        return self.generator(outs)


class AttentiveGRU(nn.Module):
    def __init__(self, size: int, vocab_size: int):
        super().__init__()
        self.src_emb, self.tgt_emb = nn.Embedding(vocab_size, size), nn.Embedding(vocab_size, size)
        self.encoder = nn.GRU(size, size, bidirectional=True)
        self.decoder = nn.GRUCell(2 * size, size)
        self.Wa, self.Ua, self.Va = nn.Linear(size, size), nn.Linear(size, size), nn.Linear(size, 1, bias=False)
        self.out = nn.Linear(size, vocab_size)

    def forward(self, src, tgt, tgt_mask, src_padding, tgt_padding):
        packed = pack_padded_sequence(self.src_emb(src), (~src_padding).sum(1), enforce_sorted=False)
        keys, hidden = self.encoder(packed)
        keys, lengths = pad_packed_sequence(keys)
        keys = (keys[..., : keys.shape[-1] // 2] + keys[..., keys.shape[-1] // 2 :]).transpose(0, 1)  # (N, S, size)
        h, outputs = hidden[0], []
        for token in tgt:
            scores = self.Va(torch.tanh(self.Wa(h).unsqueeze(1) + self.Ua(keys))).squeeze(-1)
            weights = F.softmax(scores.masked_fill(src_padding, -1e9), dim=-1)
            context = torch.bmm(weights.unsqueeze(1), keys).squeeze(1)
            h = self.decoder(torch.cat((self.tgt_emb(token), context), dim=1), h)
            outputs.append(self.out(h))
        return torch.stack(outputs)


def generate_square_subsequent_mask(sz):
    mask = (torch.triu(torch.ones((sz, sz))) == 1).transpose(0, 1)
    return mask.float().masked_fill(mask == 0, float("-inf")).masked_fill(mask == 1, 0.0)


loss_fn = nn.CrossEntropyLoss(ignore_index=PAD)
losses, decoded = [], []
for model in (Seq2SeqTransformer(8, 13), AttentiveGRU(8, 13)):
    for i, p in enumerate(model.parameters()):
        p.data.copy_(0.1 * torch.cos((i + 1.0) * torch.arange(p.numel())).view(p.shape))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.5)
    for epoch in range(2):
        for src, tgt in DataLoader(pairs, batch_size=4, collate_fn=collate_fn):
            tgt_in = tgt[:-1, :]
            mask = generate_square_subsequent_mask(tgt_in.shape[0])
            logits = model(src, tgt_in, mask, (src == PAD).transpose(0, 1), (tgt_in == PAD).transpose(0, 1) & False)
            optimizer.zero_grad()
            loss = loss_fn(logits.reshape(-1, logits.shape[-1]), tgt[1:, :].reshape(-1))
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            losses.append(loss.item())
    model.eval()
    src, ys = torch.tensor([[BOS], [5], [6], [EOS]]), torch.tensor([[BOS]])
    with torch.no_grad():
        for _ in range(3):
            out = model(src, ys, generate_square_subsequent_mask(ys.size(0)), src.t() == PAD, ys.t() == PAD)
            ys = torch.cat([ys, out[-1].argmax(-1, keepdim=True).type_as(ys)], dim=0)
    decoded += ys.flatten().tolist()
del src, tgt, tgt_in, mask, logits, loss, p, optimizer
