"""What tensors can do: made, asked, cut, joined, multiplied, and seen from NumPy."""

import numpy as np
import torch

data = [[1, 2], [3, 4]]
x_data = torch.tensor(data)
np_array = np.array(data)
x_np = torch.from_numpy(np_array)
x_ones = torch.ones_like(x_data)
x_ones_on = torch.ones_like(x_data, device=x_data.device)
x_rand = torch.rand_like(x_data, dtype=torch.float)
x_randn = torch.randn_like(x_rand, dtype=torch.double)

shape = (2, 3)
rand_tensor = torch.rand(shape)
ones_tensor = torch.ones(shape)
zeros_tensor = torch.zeros(shape)
empty_shape = torch.empty(5, 3).size()
longs = torch.zeros(5, 3, dtype=torch.long)
new_ones = longs.new_ones(5, 3, dtype=torch.double)
about = f"{rand_tensor.shape} {rand_tensor.dtype} {rand_tensor.device}"

tensor = torch.ones(4, 4)
if torch.accelerator.is_available():
    tensor = tensor.to(torch.accelerator.current_accelerator())
first_row, first_column, last_column = tensor[0], tensor[:, 0], tensor[..., -1]
tensor[:, 1] = 0
t1 = torch.cat([tensor, tensor, tensor], dim=1)

y1 = tensor @ tensor.T
y2 = tensor.matmul(tensor.T)
y3 = torch.rand_like(y1)
torch.matmul(tensor, tensor.T, out=y3)
y4 = torch.matmul(input=tensor, other=tensor.T)
z1 = tensor * tensor
z2 = tensor.mul(tensor)
z3 = torch.rand_like(tensor)
torch.mul(tensor, tensor, out=z3)
result = torch.empty(4, 4)
torch.add(tensor, z1, out=result)
agg = tensor.sum()
agg_item = agg.item()
tensor.add_(5)

t = torch.ones(5)
n = t.numpy()
t.add_(1)
seen_in_numpy = n.tolist()
n = np.ones(5)
t = torch.from_numpy(n)
np.add(n, 1, out=n)
seen_in_tensor = t.tolist()
viewed = torch.arange(16.0).view(-1, 8)
moved = viewed.to("cpu", torch.double)
