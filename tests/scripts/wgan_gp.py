"""Wasserstein GANs with a penalty on the critic's gradient."""

import numpy as np
import torch
import torch.autograd as autograd
import torch.nn as nn
from torch.autograd import Variable

np.random.seed(0)
Tensor = torch.FloatTensor
img_shape = (1, 8, 8)
lambda_gp = 10
G = nn.Sequential(
    nn.Linear(10, 16), nn.BatchNorm1d(16, 0.8), nn.LeakyReLU(0.2, inplace=True), nn.Linear(16, 64), nn.Tanh()
)
D = nn.Sequential(nn.Flatten(), nn.Linear(64, 32), nn.LeakyReLU(0.2, inplace=True), nn.Linear(32, 1))
C = nn.Sequential(
    nn.Conv2d(1, 8, 3, 2, 1), nn.InstanceNorm2d(8, affine=True), nn.LeakyReLU(0.2, inplace=True), nn.Conv2d(8, 1, 4)
)


def compute_gradient_penalty(D, real_samples, fake_samples):
    """Calculates the gradient penalty loss for WGAN GP"""
    alpha = Tensor(np.random.random((real_samples.size(0), 1, 1, 1)))
    interpolates = (alpha * real_samples + ((1 - alpha) * fake_samples)).requires_grad_(True)
    d_interpolates = D(interpolates)
    fake = Variable(Tensor(real_samples.shape[0], 1).fill_(1.0), requires_grad=False)
    gradients = autograd.grad(
        outputs=d_interpolates.view(-1, 1),
        inputs=interpolates,
        grad_outputs=fake,
        create_graph=True,
        retain_graph=True,
        only_inputs=True,
    )[0]
    gradients = gradients.view(gradients.size(0), -1)
    gradient_penalty = ((gradients.norm(2, dim=1) - 1) ** 2).mean()
    return gradient_penalty


losses = []
for critic in (D, C):
    optimizer_G = torch.optim.Adam(G.parameters(), lr=1e-3, betas=(0.5, 0.999))
    optimizer_D = torch.optim.Adam(critic.parameters(), lr=1e-3, betas=(0.5, 0.999))
    for _i in range(3):
        real_imgs = Variable(Tensor(np.random.rand(5, 1, 8, 8)))
        optimizer_D.zero_grad()
        z = Variable(Tensor(np.random.normal(0, 1, (5, 10))))
        fake_imgs = G(z).view(5, *img_shape)
        gp = compute_gradient_penalty(critic, real_imgs.data, fake_imgs.data)
        d_loss = -torch.mean(critic(real_imgs)) + torch.mean(critic(fake_imgs)) + lambda_gp * gp
        d_loss.backward()
        optimizer_D.step()
        optimizer_G.zero_grad()
        g_loss = -torch.mean(critic(G(z).view(5, *img_shape)))
        g_loss.backward()
        optimizer_G.step()
        losses += [d_loss.item(), g_loss.item(), gp.item()]
