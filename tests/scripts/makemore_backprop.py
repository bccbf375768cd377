"""Names letter by letter: bigrams counted and learned, and backward through a batch norm by hand, beside autograd's."""

import torch
import torch.nn.functional as F

words = "emma olivia ava isabella sophia charlotte mia amelia harper evelyn".split()
chars = sorted(set("".join(words)))
stoi = {s: i + 1 for i, s in enumerate(chars)}
stoi["."] = 0
itos = {i: s for s, i in stoi.items()}
vocab_size = len(itos)

N = torch.zeros((vocab_size, vocab_size), dtype=torch.int32)
for w in words:
    for ch1, ch2 in zip("." + w, w + "."):
        N[stoi[ch1], stoi[ch2]] += 1
P = (N + 1).float()
P /= P.sum(1, keepdims=True)
log_likelihood = sum(torch.log(P[stoi[a], stoi[b]]) for w in words for a, b in zip("." + w, w + "."))
shown = f"{-log_likelihood / N.sum():.4f}"

xs, ys = (torch.tensor([stoi[c] for w in words for c in text(w)]) for text in (lambda w: "." + w, lambda w: w + "."))
W = torch.randn((vocab_size, vocab_size), requires_grad=True)
bigram_losses = []
for _ in range(5):
    logits = F.one_hot(xs, num_classes=vocab_size).float() @ W
    counts = logits.exp()
    probs = counts / counts.sum(1, keepdims=True)
    loss = -probs[torch.arange(len(xs)), ys].log().mean() + 0.01 * (W**2).mean()
    bigram_losses.append(loss.item())
    W.grad = None
    loss.backward()
    W.data += -50 * W.grad

# an MLP on three letters, taken apart
block_size, n_embd, n_hidden, n = 3, 4, 16, 12
context, X, Y = [0] * block_size, [], []
for ch in words[0] + "." + words[1] + ".":
    X.append(context)
    Y.append(stoi[ch])
    context = context[1:] + [stoi[ch]]
Xb, Yb = torch.tensor(X), torch.tensor(Y)
C = torch.randn((vocab_size, n_embd))
W1 = torch.randn((n_embd * block_size, n_hidden)) * (5 / 3) / ((n_embd * block_size) ** 0.5)
b1 = torch.randn(n_hidden) * 0.1
W2 = torch.randn((n_hidden, vocab_size)) * 0.1
b2 = torch.randn(vocab_size) * 0.1
bngain = torch.randn((1, n_hidden)) * 0.1 + 1.0
bnbias = torch.randn((1, n_hidden)) * 0.1
parameters = [C, W1, b1, W2, b2, bngain, bnbias]
for p in parameters:
    p.requires_grad = True
emb = C[Xb]
embcat = emb.view(emb.shape[0], -1)
hprebn = embcat @ W1 + b1
bnmeani = 1 / n * hprebn.sum(0, keepdim=True)
bndiff = hprebn - bnmeani
bnvar = 1 / (n - 1) * (bndiff**2).sum(0, keepdim=True)
bnvar_inv = (bnvar + 1e-5) ** -0.5
bnraw = bndiff * bnvar_inv
hpreact = bngain * bnraw + bnbias
h = torch.tanh(hpreact)
logits = h @ W2 + b2
logprobs = (logits - logits.max(1, keepdim=True).values).log_softmax(1)
loss = -logprobs[range(n), Yb].mean()
for t in (logprobs, logits, h, hpreact, bnraw, hprebn, embcat, emb):
    t.retain_grad()
loss.backward()

dlogits = F.softmax(logits, 1)
dlogits[range(n), Yb] -= 1
dlogits /= n
dh = dlogits @ W2.T
dhpreact = (1.0 - h**2) * dh
dbngain = (bnraw * dhpreact).sum(0, keepdim=True)
dhprebn = bngain * bnvar_inv / n * (n * dhpreact - dhpreact.sum(0) - n / (n - 1) * bnraw * (dhpreact * bnraw).sum(0))
demb = (dhprebn @ W1.T).view(emb.shape)
dC = torch.zeros_like(C)
for k in range(Xb.shape[0]):
    for j in range(Xb.shape[1]):
        dC[Xb[k, j]] += demb[k, j]
differences = []
for mine, theirs in ((dlogits, logits), (dh, h), (dbngain, bngain), (dhprebn, hprebn), (dhprebn.sum(0), b1), (dC, C)):
    differences.append((mine - theirs.grad).abs().max().item())
by_hand = max(differences) < 1e-6
del differences
hist, edges = torch.histogram(h.detach(), density=True)
saturated = f"{(h.abs() > 0.97).float().mean() * 100:.2f}%"
