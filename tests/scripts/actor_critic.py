"""A pole that is to stay up: a policy and its critic, actions drawn from Categorical, and PPO's loss of a Gaussian."""

from collections import deque, namedtuple

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
import torch.optim as optim
from torch.distributions import Categorical, MultivariateNormal, Normal, kl_divergence

SavedAction = namedtuple("SavedAction", ["log_prob", "value"])
draw = np.random.RandomState(3)
eps = np.finfo(np.float32).eps.item()


class CartPole:
    def reset(self):
        self.s, self.t = draw.uniform(-0.05, 0.05, 4), 0
        return self.s.astype("float32"), {}

    def step(self, action):
        x, xd, th, thd = self.s
        c, s = np.cos(th), np.sin(th)
        push = ((10.0 if action == 1 else -10.0) + 0.05 * thd**2 * s) / 1.1
        tha = (9.8 * s - c * push) / (0.5 * (4 / 3 - 0.1 * c**2 / 1.1))
        change = np.array([xd, push - 0.05 * tha * c / 1.1, thd, tha])
        self.s, self.t = self.s + 0.02 * change, self.t + 1
        done = bool(abs(self.s[0]) > 2.4 or abs(self.s[2]) > 0.209 or self.t > 12)
        return self.s.astype("float32"), 1.0, done, False, {}


class Policy(nn.Module):
    def __init__(self):
        super().__init__()
        self.affine1 = nn.Linear(4, 16)
        self.action_head = nn.Linear(16, 2)
        self.value_head = nn.Linear(16, 1)
        self.saved_actions, self.rewards = [], []

    def forward(self, x):
        x = F.relu(self.affine1(x))
        return F.softmax(self.action_head(x), dim=-1), self.value_head(x)


env, model = CartPole(), Policy()
optimizer = optim.Adam(model.parameters(), lr=3e-2)
losses, lengths, entropies = [], [], []
for i_episode in range(3):
    state, _ = env.reset()
    for step in range(1, 100):
        probs, state_value = model(torch.from_numpy(state).float())
        m = Categorical(probs)
        action = torch.tensor(int(draw.rand() > m.probs[0].item()))  # as m.sample() would, by NumPy's numbers
        model.saved_actions.append(SavedAction(m.log_prob(action), state_value))
        state, reward, done, _, _ = env.step(action.item())
        model.rewards.append(reward)
        if done:
            break
    R, returns = 0, deque()
    for r in model.rewards[::-1]:
        R = r + 0.99 * R
        returns.appendleft(R)
    returns = torch.tensor(returns)
    returns = (returns - returns.mean()) / (returns.std() + eps)
    policy_losses, value_losses = [], []
    for (log_prob, value), R in zip(model.saved_actions, returns):
        policy_losses.append(-log_prob * (R - value.item()))
        value_losses.append(F.smooth_l1_loss(value, torch.tensor([R])))
    optimizer.zero_grad()
    loss = torch.stack(policy_losses).sum() + torch.stack(value_losses).sum()
    loss.backward()
    optimizer.step()
    losses.append(loss.item())
    lengths.append(step)
    entropies.append(m.entropy().item())
    del model.rewards[:], model.saved_actions[:]
del policy_losses, value_losses, value, log_prob, R, reward, loss, probs, state_value

# PPO on continuous actions
actor = nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 2), nn.Tanh())
critic = nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 1))
log_std = nn.Parameter(torch.zeros(1, 2))
states, actions, rewards = torch.randn(6, 4), torch.randn(6, 2), torch.randn(6)


def evaluate():
    mean = actor(states)
    dist = MultivariateNormal(mean, torch.diag_embed(torch.full((2,), 0.36).expand_as(mean)))
    return dist.log_prob(actions), critic(states).squeeze(), dist.entropy(), Normal(mean, log_std.exp())


old = evaluate()[0].detach()
optimizer = optim.Adam(
    [
        {"params": actor.parameters(), "lr": 3e-3},
        {"params": critic.parameters(), "lr": 1e-2},
        {"params": [log_std], "lr": 1e-3},
    ]
)
ppo_losses, divergences = [], []
for _ in range(3):
    log_probs, values, entropy, normal = evaluate()
    ratios, advantages = torch.exp(log_probs - old), rewards - values.detach()
    surrogate = torch.min(ratios * advantages, torch.clamp(ratios, 0.8, 1.2) * advantages)
    loss = -surrogate + 0.5 * F.mse_loss(values, rewards) - 0.01 * entropy - 1e-3 * normal.log_prob(actions).sum(-1)
    optimizer.zero_grad()
    loss.mean().backward()
    torch.nn.utils.clip_grad_value_(actor.parameters(), 1.0)
    optimizer.step()
    ppo_losses.append(loss.mean().item())
    divergences.append(kl_divergence(normal, Normal(torch.zeros(2), torch.ones(2))).mean().item())
del ratios, advantages, surrogate, loss, log_probs, values, entropy
