"""torchvision's vision transformer on small images, and the same patches taken apart by hand."""

import torch
import torch.nn.functional as F
from torch import nn
from torchvision.models.vision_transformer import EncoderBlock, VisionTransformer


def waves(*shape):
    """Numbers that are the same wherever they are computed."""
    return torch.sin(12.9898 * torch.arange(1.0, 1 + torch.Size(shape).numel())).reshape(shape)


model = VisionTransformer(
    image_size=16, patch_size=4, num_layers=2, num_heads=2, hidden_dim=12, mlp_dim=24, num_classes=4
)
with torch.no_grad():
    for p in model.parameters():
        p.copy_(waves(*p.shape) / (p.shape[-1] if p.ndim > 1 else 4) ** 0.5)
    for m in model.modules():
        if isinstance(m, nn.LayerNorm):
            m.weight.fill_(1.0)
images, labels = waves(8, 3, 16, 16), torch.arange(8) % 4

patches = F.unfold(images, 4, stride=4).transpose(1, 2)  # (8, 16, 3·4·4)
by_hand = patches @ model.conv_proj.weight.flatten(1).T + model.conv_proj.bias
tokens = model.conv_proj(images).flatten(2).transpose(1, 2)
same_patches = torch.allclose(by_hand, tokens, atol=1e-5)

optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3, weight_decay=0.3, betas=(0.9, 0.999))
scheduler = torch.optim.lr_scheduler.SequentialLR(
    optimizer,
    [
        torch.optim.lr_scheduler.LinearLR(optimizer, 0.1, total_iters=2),
        torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 4),
    ],
    milestones=[2],
)
losses, rates = [], []
for _ in range(6):
    loss = F.cross_entropy(model(images), labels)
    optimizer.zero_grad()
    loss.backward()
    nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    scheduler.step()
    losses.append(loss.item())
    rates.append(scheduler.get_last_lr()[0])

block = EncoderBlock(2, 12, 24, 0.0, 0.0).eval()
block.load_state_dict(model.encoder.layers.encoder_layer_1.state_dict())
first, _ = block.self_attention(tokens, tokens, tokens, average_attn_weights=False)
attended = block(tokens)
names = " ".join(model.state_dict())
