"""A class for each pixel: pooling that is undone by its indices, and a bilinear transposed convolution."""

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F


def get_upsampling_weight(in_channels, out_channels, kernel_size):
    """Make a 2D bilinear kernel suitable for upsampling"""
    factor = (kernel_size + 1) // 2
    if kernel_size % 2 == 1:
        center = factor - 1
    else:
        center = factor - 0.5
    og = np.ogrid[:kernel_size, :kernel_size]
    filt = (1 - abs(og[0] - center) / factor) * (1 - abs(og[1] - center) / factor)
    weight = np.zeros((in_channels, out_channels, kernel_size, kernel_size), dtype=np.float64)
    weight[range(in_channels), range(out_channels), :, :] = filt
    return torch.from_numpy(weight).float()


class segnetDown2(nn.Module):
    def __init__(self, in_size, out_size):
        super().__init__()
        self.conv1 = nn.Sequential(
            nn.Conv2d(in_size, out_size, 3, 1, 1), nn.BatchNorm2d(out_size), nn.ReLU(inplace=True)
        )
        self.maxpool_with_argmax = nn.MaxPool2d(2, 2, return_indices=True)

    def forward(self, inputs):
        outputs = self.conv1(inputs)
        unpooled_shape = outputs.size()
        outputs, indices = self.maxpool_with_argmax(outputs)
        return outputs, indices, unpooled_shape


class segnetUp2(nn.Module):
    def __init__(self, in_size, out_size):
        super().__init__()
        self.unpool = nn.MaxUnpool2d(2, 2)
        self.conv1 = nn.Sequential(
            nn.Conv2d(in_size, out_size, 3, 1, 1), nn.BatchNorm2d(out_size), nn.ReLU(inplace=True)
        )

    def forward(self, inputs, indices, output_shape):
        outputs = self.unpool(input=inputs, indices=indices, output_size=output_shape)
        return self.conv1(outputs)


class segnet(nn.Module):
    def __init__(self, n_classes=5, in_channels=3):
        super().__init__()
        self.down1 = segnetDown2(in_channels, 8)
        self.down2 = segnetDown2(8, 16)
        self.up2 = segnetUp2(16, 8)
        self.up1 = segnetUp2(8, n_classes)

    def forward(self, inputs):
        down1, indices_1, s1 = self.down1(inputs)
        down2, indices_2, s2 = self.down2(down1)
        up2 = self.up2(down2, indices_2, s2)
        return self.up1(up2, indices_1, s1)


class FCN(nn.Module):
    def __init__(self, n_class=4):
        super().__init__()
        self.conv1_1 = nn.Conv2d(3, 8, 3, padding=10)
        self.relu1_1 = nn.ReLU(inplace=True)
        self.pool1 = nn.MaxPool2d(2, stride=2, ceil_mode=True)
        self.pool2 = nn.MaxPool2d(2, stride=2, ceil_mode=True)
        self.fc6 = nn.Conv2d(8, 8, 3)
        self.drop6 = nn.Dropout2d()
        self.score_fr = nn.Conv2d(8, n_class, 1)
        self.upscore = nn.ConvTranspose2d(n_class, n_class, 8, stride=4, bias=False)
        self._initialize_weights()

    def _initialize_weights(self):
        for m in self.modules():
            if isinstance(m, nn.Conv2d):
                nn.init.xavier_uniform_(m.weight)
                if m.bias is not None:
                    m.bias.data.zero_()
            if isinstance(m, nn.ConvTranspose2d):
                assert m.kernel_size[0] == m.kernel_size[1]
                initial_weight = get_upsampling_weight(m.in_channels, m.out_channels, m.kernel_size[0])
                m.weight.data.copy_(initial_weight)

    def forward(self, x):
        h = self.pool2(self.pool1(self.relu1_1(self.conv1_1(x))))
        h = self.drop6(F.relu(self.fc6(h)))
        h = self.upscore(self.score_fr(h))
        return h[:, :, 9 : 9 + x.size()[2], 9 : 9 + x.size()[3]].contiguous()


def cross_entropy2d(input, target, weight=None, size_average=True):
    n, c, h, w = input.size()
    log_p = F.log_softmax(input, dim=1)
    log_p = log_p.transpose(1, 2).transpose(2, 3).contiguous()
    log_p = log_p[target.view(n, h, w, 1).repeat(1, 1, 1, c) >= 0]
    log_p = log_p.view(-1, c)
    mask = target >= 0
    target = target[mask]
    loss = F.nll_loss(log_p, target, weight=weight, reduction="sum")
    if size_average:
        loss /= mask.data.sum()
    return loss


def _fast_hist(label_true, label_pred, n_class):
    mask = (label_true >= 0) & (label_true < n_class)
    hist = np.bincount(n_class * label_true[mask].astype(int) + label_pred[mask], minlength=n_class**2).reshape(
        n_class, n_class
    )
    return hist


s = segnet()
x = torch.rand(2, 3, 12, 12)
t = (torch.arange(288) % 5 - 1).view(2, 12, 12)
loss = cross_entropy2d(s(x), t)
loss.backward()
f = FCN()
f.drop6.eval()
opt = torch.optim.SGD(
    [
        {"params": [p for n, p in f.named_parameters() if n.endswith("weight") and "upscore" not in n]},
        {"params": [p for n, p in f.named_parameters() if n.endswith("bias")], "lr": 1e-3 * 2, "weight_decay": 0},
    ],
    lr=1e-3,
    momentum=0.99,
    weight_decay=5e-4,
)
losses = [loss.item()]
for _i in range(2):
    opt.zero_grad()
    score = f(x)
    l = cross_entropy2d(score, t, size_average=False)
    l /= len(x)
    assert not np.isnan(l.data.item())
    l.backward()
    opt.step()
    losses.append(l.item())
lbl_pred = score.data.max(1)[1].cpu().numpy()[:, :, :]
cm = _fast_hist(t.numpy().flatten(), lbl_pred.flatten(), 4)
