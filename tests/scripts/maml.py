"""Learning to learn from few examples: the step of a learner is itself differentiated."""

import torch
from torch import nn, optim
from torch.nn import functional as F


class Learner(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.config = config
        self.vars = nn.ParameterList()
        self.vars_bn = nn.ParameterList()
        for _i, (name, param) in enumerate(self.config):
            if name == "conv2d":
                w = nn.Parameter(torch.ones(*param[:4]))
                torch.nn.init.kaiming_normal_(w)
                self.vars.append(w)
                self.vars.append(nn.Parameter(torch.zeros(param[0])))
            elif name == "linear":
                w = nn.Parameter(torch.ones(*param))
                torch.nn.init.kaiming_normal_(w)
                self.vars.append(w)
                self.vars.append(nn.Parameter(torch.zeros(param[0])))
            elif name == "bn":
                self.vars.append(nn.Parameter(torch.ones(param[0])))
                self.vars.append(nn.Parameter(torch.zeros(param[0])))
                running_mean = nn.Parameter(torch.zeros(param[0]), requires_grad=False)
                running_var = nn.Parameter(torch.ones(param[0]), requires_grad=False)
                self.vars_bn.extend([running_mean, running_var])

    def forward(self, x, vars=None, bn_training=True):
        if vars is None:
            vars = self.vars
        idx = 0
        bn_idx = 0
        for name, param in self.config:
            if name == "conv2d":
                w, b = vars[idx], vars[idx + 1]
                x = F.conv2d(x, w, b, stride=param[4], padding=param[5])
                idx += 2
            elif name == "linear":
                w, b = vars[idx], vars[idx + 1]
                x = F.linear(x, w, b)
                idx += 2
            elif name == "bn":
                w, b = vars[idx], vars[idx + 1]
                running_mean, running_var = self.vars_bn[bn_idx], self.vars_bn[bn_idx + 1]
                x = F.batch_norm(x, running_mean, running_var, weight=w, bias=b, training=bn_training)
                idx += 2
                bn_idx += 2
            elif name == "flatten":
                x = x.view(x.size(0), -1)
            elif name == "relu":
                x = F.relu(x, inplace=param[0])
            elif name == "max_pool2d":
                x = F.max_pool2d(x, param[0], param[1], param[2])
        assert idx == len(vars)
        return x

    def zero_grad(self, vars=None):
        with torch.no_grad():
            if vars is None:
                for p in self.vars:
                    if p.grad is not None:
                        p.grad.zero_()
            else:
                for p in vars:
                    if p.grad is not None:
                        p.grad.zero_()

    def parameters(self):
        return self.vars


config = [
    ("conv2d", [8, 1, 3, 3, 2, 0]),
    ("relu", [True]),
    ("bn", [8]),
    ("max_pool2d", [2, 1, 0]),
    ("flatten", []),
    ("linear", [5, 32]),
]
net = Learner(config)
meta_optim = optim.Adam(net.parameters(), lr=1e-3)
losses = []
for _step in range(2):
    x_spt, y_spt = torch.rand(2, 5, 1, 8, 8), torch.arange(2 * 5).view(2, 5) % 5
    x_qry, y_qry = torch.rand(2, 6, 1, 8, 8), torch.arange(2 * 6).view(2, 6) % 5
    losses_q = [0 for _ in range(3)]
    corrects = [0 for _ in range(3)]
    for i in range(2):
        logits = net(x_spt[i], vars=None, bn_training=True)
        loss = F.cross_entropy(logits, y_spt[i])
        grad = torch.autograd.grad(loss, net.parameters(), create_graph=True)
        fast_weights = [p[1] - 0.4 * p[0] for p in zip(grad, net.parameters())]
        for k in range(1, 3):
            loss = F.cross_entropy(net(x_spt[i], fast_weights, bn_training=True), y_spt[i])
            grad = torch.autograd.grad(loss, fast_weights, create_graph=True)
            fast_weights = [p[1] - 0.4 * p[0] for p in zip(grad, fast_weights)]
            logits_q = net(x_qry[i], fast_weights, bn_training=True)
            loss_q = F.cross_entropy(logits_q, y_qry[i])
            losses_q[k] += loss_q
            with torch.no_grad():
                pred_q = F.softmax(logits_q, dim=1).argmax(dim=1)
                corrects[k] = corrects[k] + torch.eq(pred_q, y_qry[i]).sum().item()
    loss_q = losses_q[-1] / 2
    meta_optim.zero_grad()
    loss_q.backward()
    meta_optim.step()
    losses.append(loss_q.item())
