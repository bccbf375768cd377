"""Pictures are turned, sheared and recoloured on the way to a small network, as loops for training on them do."""

import torch
import torch.nn.functional as F
from torch import nn
from torchvision import transforms
from torchvision.transforms import functional as TF
from torchvision.transforms.autoaugment import AutoAugmentPolicy


def waves(*shape):
    """Numbers that are the same wherever they are computed, from -1 to 1."""
    return torch.sin(12.9898 * torch.arange(1.0, 1 + torch.Size(shape).numel())).reshape(shape)


train_transform = transforms.Compose(
    [
        transforms.RandomAffine(degrees=(15, 15), translate=None, scale=(1.2, 1.2), shear=(0, 0)),
        transforms.RandomInvert(p=1.0),
        transforms.RandomPosterize(bits=4, p=1.0),
        transforms.RandomSolarize(threshold=192.0, p=1.0),
        transforms.RandomAdjustSharpness(sharpness_factor=2, p=1.0),
        transforms.RandomAutocontrast(p=1.0),
        transforms.RandomEqualize(p=1.0),
        transforms.ConvertImageDtype(torch.float32),
        transforms.Normalize((0.5, 0.5, 0.5), (0.25, 0.25, 0.25)),
    ]
)
policies = [transforms.AutoAugment(policy) for policy in AutoAugmentPolicy]
policies += [transforms.RandAugment(num_ops=2, magnitude=9), transforms.TrivialAugmentWide(num_magnitude_bins=31)]
shown = str(train_transform) + " ".join(map(str, policies))

pictures = (waves(6, 3, 14, 14) * 100 + 120).to(torch.uint8)
batch = torch.stack([train_transform(picture) for picture in pictures])

# Gradients pass through a transform, so that its result can be made to look like something.
image = (0.5 + 0.4 * waves(1, 3, 14, 14)).requires_grad_()
turned = TF.affine(image, 20.0, [1, -1], 0.9, [5.0, 0.0], interpolation=transforms.InterpolationMode.BILINEAR)
F.mse_loss(TF.adjust_sharpness(turned, 1.5), torch.zeros_like(turned)).backward()
image_grad = image.grad

model = nn.Sequential(nn.Conv2d(3, 4, 3, stride=2), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 6 * 6, 2))
with torch.no_grad():
    for p in model.parameters():
        p.copy_(0.1 * waves(*p.shape))
optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9, nesterov=True, weight_decay=1e-4)
losses = []
for _ in range(4):
    loss = F.cross_entropy(model(batch), torch.arange(6) % 2)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    losses.append(loss.item())

augmented = [policy(picture) for policy in policies for picture in pictures]
all_bytes = all(a.dtype == torch.uint8 and a.shape == (3, 14, 14) for a in augmented)
