"""16. How does a network write, and can it learn to calculate by that?

Text is a row of characters. A model that gives each possible next one a probability can write: draw one, put it behind
the text, ask again. T characters are numbers of a table, C each; each layer adds to them what it found (T,C) -> (T,C):

    attention     every character asks those before it: softmax(q kᵀ/√d) v, with q, k and v linear in x, (T,d) each,
                  in several heads
    a small MLP   every character by itself: W₂ gelu(W₁ x)

The weights of a row of the softmax are 0 for all that comes later (`is_causal`): no character sees what it is to guess.
So one text is T lessons at once: the loss is the cross-entropy of all T guesses, in nats. Who knows nothing has log V
of V characters. Who can add has 2 log 90 / 10 = 0.90 here: in a line of 10 only the two numbers cannot be foreseen.

The texts are sums, with the digits of the result from the right, as one calculates them: 38+45=380 says 083. So one can
check what it writes, and half of all sums are never shown. `import torch as tg` runs it under PyTorch.

    python examples/16_small_gpt.py
"""

import argparse
import math
import time

import tinygrad_cnn as tg
from tinygrad_cnn import nn
from tinygrad_cnn.nn import functional as F

parser = argparse.ArgumentParser(description="Train a small GPT on sums.")
parser.add_argument("--steps", type=int, default=1000, help="how many batches it sees (default: 1000)")
steps = parser.parse_args().steps
tg.manual_seed(0)

C, heads, layers, batch = 64, 4, 2, 128
lines = [f";{a}+{b}={str(a + b).zfill(3)[::-1]};" for a in range(10, 100) for b in range(10, 100)]
characters = sorted(set("".join(lines)))
V, T = len(characters), len(lines[0]) - 1
data = tg.tensor([[characters.index(c) for c in line] for line in lines])[tg.randperm(len(lines))]
shown, unseen = data.chunk(2)


class CausalSelfAttention(nn.Module):
    def __init__(self):
        super().__init__()
        self.qkv, self.out = nn.Linear(C, 3 * C), nn.Linear(C, C)

    def forward(self, x):
        B, T, C = x.shape
        q, k, v = self.qkv(x).split(C, dim=2)  # each (B,T,C)
        q, k, v = (t.view(B, T, heads, C // heads).transpose(1, 2) for t in (q, k, v))  # -> (B,heads,T,d)
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        return self.out(y.transpose(1, 2).reshape(B, T, C))


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

    def forward(self, numbers):
        """(B,T) -> (B,T,V): a logit for each next character"""
        x = self.token(numbers) + self.place(tg.arange(numbers.shape[1]))
        return self.head(self.norm(self.blocks(x)))

    @tg.no_grad()
    def write(self, numbers):
        """Each row continued to a whole line, one character after the other."""
        while numbers.shape[1] < T:
            chances = F.softmax(self(numbers)[:, -1], dim=-1)
            numbers = tg.cat([numbers, tg.multinomial(chances, 1)], dim=1)
        return numbers


model = GPT()
optimizer = tg.optim.AdamW(model.parameters(), weight_decay=0.1)
schedule = tg.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=5e-3, total_steps=steps + 1)
print(f"{len(shown)} sums of {V} characters; {sum(p.numel() for p in model.parameters()):,} parameters")
print(f"Who knows nothing has a loss of {math.log(V):.2f}, who can add {2 * math.log(90) / T:.2f}.\n")
began = time.perf_counter()
for step in range(steps + 1):
    text = shown[tg.randint(0, len(shown), (batch,))]
    loss = F.cross_entropy(model(text[:, :-1]).reshape(-1, V), text[:, 1:].reshape(-1))
    if step % (steps // 5) == 0:
        print(f"step {step:4}: loss {loss.item():.3f}, {time.perf_counter() - began:.0f} s")
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    schedule.step()

print("\nWhat it writes by itself, with the results turned round:")
for row in model.write(data[:8, :1]).tolist():
    line = "".join(characters[i] for i in row[1:])
    print(f"  {line[:6]}{line[:5:-1]}")
right = (model.write(unseen[:500, :7]) == unseen[:500, :T]).all(dim=1).sum().item()
print(f"\n{right} of 500 sums that it never saw are right.")
print("Notice the landing at 1.36 = 0.90 + 2 log 10 / 10: by then it knows the shape of a line, and whether the result")
print("is over 99, but of two of its digits nothing. These come late, and together.")
