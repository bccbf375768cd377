"""A linear chain over tags (Lafferty et al., 2001), with masks as they were before there was bool."""

import warnings

import torch
import torch.nn as nn

warnings.filterwarnings("ignore")


class CRF(nn.Module):
    def __init__(self, tags):
        super().__init__()
        self.start, self.end = nn.Parameter(torch.empty(tags)), nn.Parameter(torch.empty(tags))
        self.transitions = nn.Parameter(torch.empty(tags, tags))
        for p in self.parameters():
            nn.init.uniform_(p, -0.1, 0.1)

    def numerator(self, emissions, tags, mask):
        rows = torch.arange(tags.shape[1])
        score = self.start[tags[0]] + emissions[0, rows, tags[0]]
        for i in range(1, len(tags)):
            step = self.transitions[tags[i - 1], tags[i]] + emissions[i, rows, tags[i]]
            score = score + step * mask[i]
        return score + self.end[tags[mask.long().sum(0) - 1, rows]]

    def normalizer(self, emissions, mask):
        score = self.start + emissions[0]
        for i in range(1, len(emissions)):
            paths = score.unsqueeze(2) + self.transitions + emissions[i].unsqueeze(1)
            score = torch.where(mask[i].unsqueeze(1), torch.logsumexp(paths, dim=1), score)
        return torch.logsumexp(score + self.end, dim=1)

    def decode(self, emissions, mask):
        score, history = self.start + emissions[0], []
        for i in range(1, len(emissions)):
            best, tags = (score.unsqueeze(2) + self.transitions + emissions[i].unsqueeze(1)).max(dim=1)
            score = best.where(mask[i].unsqueeze(1), score)
            history.append(tags)
        lengths, found = mask.long().sum(0) - 1, []
        for row in range(emissions.shape[1]):
            tag = [(score[row] + self.end).argmax().item()]
            for tags in reversed(history[: lengths[row]]):
                tag.append(tags[row][tag[-1]].item())
            found.append(tag[::-1])
        return found


emissions = torch.randn(5, 3, 4, requires_grad=True)
tags = torch.tensor([[0, 1, 2], [3, 1, 0], [2, 2, 1], [1, 0, 3], [0, 3, 2]])
mask = torch.tensor([[1, 1, 1], [1, 1, 1], [1, 1, 0], [1, 0, 0], [1, 0, 0]], dtype=torch.uint8)
model = CRF(4)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1, weight_decay=1e-4)
losses = []
for _ in range(5):
    optimizer.zero_grad()
    loss = (model.normalizer(emissions, mask) - model.numerator(emissions, tags, mask)).mean()
    loss.backward()
    optimizer.step()
    losses.append(loss.item())
slopes = emissions.grad
paths = str(model.decode(emissions.detach(), mask))
start, end, transitions = model.start, model.end, model.transitions
