"""From which language is a name? An RNN reads it letter by letter, and its last state tells."""

import string
import unicodedata

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.nn.utils.rnn import pack_sequence, pad_packed_sequence, pad_sequence

letters = string.ascii_letters + " .,;'-"
n_letters = len(letters)
names = {
    "Italian": ["Rossi", "Ferrari", "Bianchi", "Romano", "Ricci", "Marino", "Greco", "Bruno"],
    "German": ["Müller", "Schmidt", "Schneider", "Fischer", "Weber", "Schulz", "Köhler", "Krause"],
    "Greek": ["Papadopoulos", "Pappas", "Vlahos", "Angelopoulos", "Nikolaidis", "Georgiou", "Makris", "Samaras"],
}
categories = list(names)


def to_ascii(name):
    return "".join(c for c in unicodedata.normalize("NFD", name) if unicodedata.category(c) != "Mn" and c in letters)


def to_tensor(name):
    """(letters of the name, 1, n_letters): one row with a 1 for each letter"""
    tensor = torch.zeros(len(name), 1, n_letters)
    for i, letter in enumerate(name):
        tensor[i][0][letters.find(letter)] = 1
    return tensor


class RNN(nn.Module):
    def __init__(self, input_size, hidden_size, output_size):
        super().__init__()
        self.hidden_size = hidden_size
        self.i2h = nn.Linear(input_size, hidden_size)
        self.h2h = nn.Linear(hidden_size, hidden_size)
        self.h2o = nn.Linear(hidden_size, output_size)
        self.softmax = nn.LogSoftmax(dim=1)

    def forward(self, input, hidden):
        hidden = F.tanh(self.i2h(input) + self.h2h(hidden))
        return self.softmax(self.h2o(hidden)), hidden

    def init_hidden(self):
        return torch.zeros(1, self.hidden_size)


class CharRNN(nn.Module):
    def __init__(self, cell, input_size, hidden_size, output_size):
        super().__init__()
        self.rnn = cell(input_size, hidden_size)
        self.h2o = nn.Linear(hidden_size, output_size)
        self.softmax = nn.LogSoftmax(dim=1)

    def forward(self, line):
        _, hidden = self.rnn(line)
        if isinstance(hidden, tuple):
            hidden = hidden[0]
        return self.softmax(self.h2o(hidden[0]))


examples = [(to_ascii(name), torch.tensor([k])) for k, kind in enumerate(categories) for name in names[kind]]
criterion = nn.NLLLoss()
losses = []

# Step by step, by hand, with gradients that are applied by hand.
rnn = RNN(n_letters, 16, len(categories))
for name, category in examples[::4]:
    hidden = rnn.init_hidden()
    rnn.zero_grad()
    line = to_tensor(name)
    for i in range(line.size(0)):
        output, hidden = rnn(line[i], hidden)
    loss = criterion(output, category)
    loss.backward()
    for p in rnn.parameters():
        p.data.add_(p.grad.data, alpha=-0.05)
    losses.append(loss.item())

# A whole layer, one name at a time, gradients clipped.
for cell in (nn.RNN, nn.GRU, nn.LSTM):
    model = CharRNN(cell, n_letters, 16, len(categories))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.15)
    for _ in range(2):
        current_loss = 0
        for name, category in examples[::3]:
            optimizer.zero_grad()
            loss = criterion(model(to_tensor(name)), category)
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 3)
            optimizer.step()
            current_loss += loss.item()
        losses.append(current_loss)

# All names at once, packed.
lstm = nn.LSTM(n_letters, 12, num_layers=2, bidirectional=True)
head = nn.Linear(24, len(categories))
parameters = [*lstm.parameters(), *head.parameters()]
optimizer = torch.optim.Adam(parameters, lr=0.01)
lines = [to_tensor(name).squeeze(1) for name, _ in examples]
targets = torch.cat([category for _, category in examples])
padded = pad_sequence(lines, batch_first=True, padding_value=-1)
for _ in range(3):
    packed = pack_sequence(lines, enforce_sorted=False)
    out, (h, c) = lstm(packed)
    logits = head(torch.cat((h[-2], h[-1]), dim=1))
    loss = F.cross_entropy(logits, targets)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    losses.append(loss.item())

outputs, lengths = pad_packed_sequence(out, batch_first=True)
guess = categories[logits[0].argmax().item()]
