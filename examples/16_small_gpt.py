"""16. How does a network write? It guesses the next character, and looks back at all those before it.

A text is a row of characters. A model that gives each possible next one a probability can write: draw one, put it
behind the text, ask again. T characters are numbers of a table, C each; each of the layers adds to them what it found:

    attention     every character asks those before it:   softmax(q kᵀ/√d) v        (T,d) (T,d) (T,d) -> (T,d)
                  in several heads, each with its own q, k and v, which are linear in x
    a small MLP   every character by itself:               W₂ gelu(W₁ x)             (T,C) -> (T,C)

The weights of a row of the softmax are 0 for all that comes later (`is_causal`): no character sees what it is to guess.
So one text of T characters is T lessons at once: the loss is the cross-entropy of all T guesses, in nats. Who knows
nothing has log V of V characters; who knows how often each one is used has less; who can count has nearly 0.

The text is made here: sums and differences of two-digit numbers, with their results, digits from the right as one
calculates them. What is learned can be checked: is what it writes true? `import torch as tg` runs it under PyTorch.

    python examples/16_small_gpt.py --steps 2000        # the longer, the more of its sums are right
"""

import argparse
import math
import random
import time

import tinygrad_cnn as tg
from tinygrad_cnn import nn
from tinygrad_cnn.nn import functional as F

parser = argparse.ArgumentParser()
parser.add_argument("--steps", type=int, default=600)
parser.add_argument("--seed", type=int, default=0)
options = parser.parse_args()
tg.manual_seed(options.seed)
draw = random.Random(options.seed)

T, C, heads, layers, batch = 32, 64, 4, 3, 32


# The text, and its characters as numbers.


def line():
    a, b = draw.randrange(10, 100), draw.randrange(10, 100)
    if draw.random() < 0.5:
        return f"{a}+{b}={str(a + b)[::-1]};"  # 38+45=38; is 83, from the right
    return f"{max(a, b)}-{min(a, b)}={str(abs(a - b))[::-1]};"


text = "".join(line() for _ in range(10_000))
characters = sorted(set(text))
number = {c: i for i, c in enumerate(characters)}
data = tg.tensor([number[c] for c in text])
V = len(characters)


# The model.


class CausalSelfAttention(nn.Module):
    def __init__(self):
        super().__init__()
        self.qkv = nn.Linear(C, 3 * C)
        self.out = nn.Linear(C, C)

    def forward(self, x):
        B, T, C = x.shape
        q, k, v = self.qkv(x).split(C, dim=2)  # each (B,T,C)
        q, k, v = (t.view(B, T, heads, C // heads).transpose(1, 2) for t in (q, k, v))  # -> (B,heads,T,d)
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        return self.out(y.transpose(1, 2).contiguous().view(B, T, C))


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.norm1, self.attention = nn.LayerNorm(C), CausalSelfAttention()
        self.norm2, self.mlp = nn.LayerNorm(C), nn.Sequential(nn.Linear(C, 4 * C), nn.GELU(), nn.Linear(4 * C, C))

    def forward(self, x):
        x = x + self.attention(self.norm1(x))
        return x + self.mlp(self.norm2(x))


class GPT(nn.Module):
    def __init__(self):
        super().__init__()
        self.token, self.place = nn.Embedding(V, C), nn.Embedding(T, C)
        self.blocks = nn.Sequential(*[Block() for _ in range(layers)])
        self.norm, self.head = nn.LayerNorm(C), nn.Linear(C, V, bias=False)
        for p in self.parameters():
            if p.dim() > 1:
                nn.init.normal_(p, std=0.02)
        self.head.weight = self.token.weight  # a character is written as it is read

    def forward(self, numbers):
        """(B,T) -> (B,T,V): a logit for each next character"""
        x = self.token(numbers) + self.place(tg.arange(numbers.shape[1]))
        return self.head(self.norm(self.blocks(x)))

    @tg.no_grad()
    def write(self, start, count):
        numbers = tg.tensor([[number[c] for c in start]])
        for _ in range(count):
            logits = self(numbers[:, -T:])[:, -1]
            numbers = tg.cat([numbers, tg.multinomial(F.softmax(logits, dim=-1), 1)], dim=1)
        return "".join(characters[i] for i in numbers[0].tolist())


# Training.

model = GPT()
optimizer = tg.optim.AdamW(model.parameters(), lr=3e-3, weight_decay=0.1)
schedule = tg.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=3e-3, total_steps=options.steps + 1)
print(f"{len(text):,} characters, {V} different ones; {sum(p.numel() for p in model.parameters()):,} parameters")
print(f"who knows nothing has a loss of {math.log(V):.2f}\n")
began = time.perf_counter()
for step in range(options.steps + 1):
    first = tg.randint(0, len(data) - T - 1, (batch,))
    places = first[:, None] + tg.arange(T)
    loss = F.cross_entropy(model(data[places]).view(-1, V), data[places + 1].view(-1))
    if step % (options.steps // 5) == 0:
        print(f"step {step:4}: loss {loss.item():.3f}, {time.perf_counter() - began:.0f} s")
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    schedule.step()

sample = model.write(";", 400)
print("\n" + sample.replace(";", "; "))


def is_true(written):
    """Whether 38+45=38 holds, with its result from the right."""
    question, _, result = written.partition("=")
    for sign, sum_of in (("+", lambda a, b: a + b), ("-", lambda a, b: a - b)):
        a, found, b = question.partition(sign)
        if found and a.isdigit() and b.isdigit():
            return result == str(sum_of(int(a), int(b)))[::-1]
    return False


lines = sample.split(";")[1:-1]
print(f"\n{sum(map(is_true, lines))} of {len(lines)} lines are true")
print("Notice what comes first: the shape of a line, then the signs of a result, then its digits from the right.")
