"""Layers of a generator by style: weights scaled when they are used, a blur with its own backward, R1."""

from math import sqrt

import torch
from torch import nn
from torch.autograd import Function
from torch.nn import functional as F
from torch.nn import init


def init_linear(linear):
    init.xavier_normal_(linear.weight)
    linear.bias.data.zero_()


class EqualLR:
    def __init__(self, name):
        self.name = name

    def compute_weight(self, module):
        weight = getattr(module, self.name + "_orig")
        fan_in = weight.data.size(1) * weight.data[0][0].numel()
        return weight * sqrt(2 / fan_in)

    @staticmethod
    def apply(module, name):
        fn = EqualLR(name)
        weight = getattr(module, name)
        del module._parameters[name]
        module.register_parameter(name + "_orig", nn.Parameter(weight.data))
        module.register_forward_pre_hook(fn)
        return fn

    def __call__(self, module, input):
        weight = self.compute_weight(module)
        setattr(module, self.name, weight)


def equal_lr(module, name="weight"):
    EqualLR.apply(module, name)
    return module


class FusedUpsample(nn.Module):
    def __init__(self, in_channel, out_channel, kernel_size, padding=0):
        super().__init__()
        weight = torch.randn(in_channel, out_channel, kernel_size, kernel_size)
        bias = torch.zeros(out_channel)
        fan_in = in_channel * kernel_size * kernel_size
        self.multiplier = sqrt(2 / fan_in)
        self.weight = nn.Parameter(weight)
        self.bias = nn.Parameter(bias)
        self.pad = padding

    def forward(self, input):
        weight = F.pad(self.weight * self.multiplier, [1, 1, 1, 1])
        weight = (weight[:, :, 1:, 1:] + weight[:, :, :-1, 1:] + weight[:, :, 1:, :-1] + weight[:, :, :-1, :-1]) / 4
        out = F.conv_transpose2d(input, weight, self.bias, stride=2, padding=self.pad)
        return out


class PixelNorm(nn.Module):
    def __init__(self):
        super().__init__()

    def forward(self, input):
        return input / torch.sqrt(torch.mean(input**2, dim=1, keepdim=True) + 1e-8)


class BlurFunctionBackward(Function):
    @staticmethod
    def forward(ctx, grad_output, kernel, kernel_flip):
        ctx.save_for_backward(kernel, kernel_flip)
        grad_input = F.conv2d(grad_output, kernel_flip, padding=1, groups=grad_output.shape[1])
        return grad_input

    @staticmethod
    def backward(ctx, gradgrad_output):
        kernel, _kernel_flip = ctx.saved_tensors
        grad_input = F.conv2d(gradgrad_output, kernel, padding=1, groups=gradgrad_output.shape[1])
        return grad_input, None, None


class BlurFunction(Function):
    @staticmethod
    def forward(ctx, input, kernel, kernel_flip):
        ctx.save_for_backward(kernel, kernel_flip)
        output = F.conv2d(input, kernel, padding=1, groups=input.shape[1])
        return output

    @staticmethod
    def backward(ctx, grad_output):
        kernel, kernel_flip = ctx.saved_tensors
        grad_input = BlurFunctionBackward.apply(grad_output, kernel, kernel_flip)
        return grad_input, None, None


blur = BlurFunction.apply


class Blur(nn.Module):
    def __init__(self, channel):
        super().__init__()
        weight = torch.tensor([[1, 2, 1], [2, 4, 2], [1, 2, 1]], dtype=torch.float32)
        weight = weight.view(1, 1, 3, 3)
        weight = weight / weight.sum()
        weight_flip = torch.flip(weight, [2, 3])
        self.register_buffer("weight", weight.repeat(channel, 1, 1, 1))
        self.register_buffer("weight_flip", weight_flip.repeat(channel, 1, 1, 1))

    def forward(self, input):
        return blur(input, self.weight, self.weight_flip)


class EqualConv2d(nn.Module):
    def __init__(self, *args, **kwargs):
        super().__init__()
        conv = nn.Conv2d(*args, **kwargs)
        conv.weight.data.copy_(torch.randn(conv.weight.shape))
        conv.bias.data.zero_()
        self.conv = equal_lr(conv)

    def forward(self, input):
        return self.conv(input)


class EqualLinear(nn.Module):
    def __init__(self, in_dim, out_dim):
        super().__init__()
        linear = nn.Linear(in_dim, out_dim)
        linear.weight.data.copy_(torch.randn(linear.weight.shape))
        linear.bias.data.zero_()
        self.linear = equal_lr(linear)

    def forward(self, input):
        return self.linear(input)


class AdaptiveInstanceNorm(nn.Module):
    def __init__(self, in_channel, style_dim):
        super().__init__()
        self.norm = nn.InstanceNorm2d(in_channel)
        self.style = EqualLinear(style_dim, in_channel * 2)
        self.style.linear.bias.data[:in_channel] = 1
        self.style.linear.bias.data[in_channel:] = 0

    def forward(self, input, style):
        style = self.style(style).unsqueeze(2).unsqueeze(3)
        gamma, beta = style.chunk(2, 1)
        out = self.norm(input)
        out = gamma * out + beta
        return out


class NoiseInjection(nn.Module):
    def __init__(self, channel):
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(1, channel, 1, 1))

    def forward(self, image, noise):
        return image + self.weight * noise


class StyledConvBlock(nn.Module):
    def __init__(self):
        super().__init__()
        self.const = nn.Parameter(torch.randn(1, 4, 4, 4))
        self.up = FusedUpsample(4, 8, 3, padding=1)
        self.blur = Blur(8)
        self.noise = NoiseInjection(8)
        self.adain = AdaptiveInstanceNorm(8, 6)
        self.lrelu = nn.LeakyReLU(0.2)
        self.conv = EqualConv2d(8, 3, 3, padding=1)
        self.style = nn.Sequential(PixelNorm(), EqualLinear(6, 6), nn.LeakyReLU(0.2))

    def forward(self, z, noise):
        style = self.style(z)
        out = self.const.repeat(z.shape[0], 1, 1, 1)
        out = self.blur(self.up(out))
        out = self.lrelu(self.noise(out, noise))
        return self.conv(self.adain(out, style))


class MinibatchStd(nn.Module):
    def forward(self, out):
        out_std = torch.sqrt(out.var(0, unbiased=False) + 1e-8)
        mean_std = out_std.mean()
        mean_std = mean_std.expand(out.size(0), 1, out.size(2), out.size(3))
        return torch.cat([out, mean_std], 1)


G = StyledConvBlock()
D = nn.Sequential(
    EqualConv2d(3, 8, 3, padding=1),
    Blur(8),
    nn.LeakyReLU(0.2),
    MinibatchStd(),
    nn.AdaptiveAvgPool2d(1),
    nn.Flatten(),
    EqualLinear(9, 1),
)


def requires_grad(model, flag=True):
    for p in model.parameters():
        p.requires_grad = flag


def accumulate(model1, model2, decay=0.999):
    par1 = dict(model1.named_parameters())
    par2 = dict(model2.named_parameters())
    for k in par1:
        par1[k].data.mul_(decay).add_(par2[k].data, alpha=1 - decay)


g_running = StyledConvBlock()
g_running.train(False)
z, noise = torch.randn(4, 6), torch.randn(4, 1, 8, 8)
fake = G(z, noise)
og = torch.optim.Adam(
    [{"params": G.up.parameters()}, {"params": G.style.parameters(), "lr": 1e-3 * 0.01, "mult": 0.01}],
    lr=1e-3,
    betas=(0.0, 0.99),
)
# R1
real = torch.rand(4, 3, 8, 8)
real.requires_grad = True
real_predict = D(real)
real_predict = F.softplus(-real_predict).mean()
real_predict.backward(retain_graph=True)
grad_real = torch.autograd.grad(outputs=real_predict.sum(), inputs=real, create_graph=True)[0]
grad_penalty = (grad_real.view(grad_real.size(0), -1).norm(2, dim=1) ** 2).mean()
grad_penalty = 10 / 2 * grad_penalty
grad_penalty.backward()
requires_grad(D, False)
loss = F.softplus(-D(fake)).mean()
loss.backward()
og.step()
accumulate(g_running, G, 0.9)
losses = [loss.item(), grad_penalty.item()]
