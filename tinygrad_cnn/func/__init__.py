"""Functions of functions: derivatives and maps that take a function and return one, as in `torch.func`.

    import tinygrad_cnn as tg
    from tinygrad_cnn.func import functional_call, grad, vmap

    def loss(parameters, x, y):
        return tg.nn.functional.mse_loss(functional_call(model, parameters, x), y)

    of_each = vmap(grad(loss), in_dims=(None, 0, 0))     # the gradients of every example, not their mean

>>> import tinygrad_cnn as tg
>>> f = lambda x: (x**3).sum()
>>> x = tg.tensor([1.0, 2.0])
>>> grad(f)(x).tolist(), hessian(f)(x).tolist(), vmap(grad(f))(x).tolist()
([3.0, 12.0], [[6.0, 0.0], [0.0, 12.0]], [3.0, 12.0])

To be read in this order:

    tree         tensors in tuples, lists and dictionaries
    interpreter  who says what is done when an op is called
    batched      a tensor that stands for one example of many
    batching     how an op runs on all examples
    vmap         a function of one example becomes one of a batch
    forward      tangents go through a graph, by the rules of reverse mode
    reverse      gradients of a function's own inputs
    derivatives  grad, vjp, jvp, Jacobians, Hessians
    modules      modules as functions of their parameters
"""

from ..pytorch.absent import explains
from .derivatives import grad, grad_and_value, hessian, jacfwd, jacrev, jvp, linearize, vjp
from .modules import functional_call, replace_all_batch_norm_modules_, stack_module_state
from .vmap import vmap

__all__ = [
    "functional_call",
    "grad",
    "grad_and_value",
    "hessian",
    "jacfwd",
    "jacrev",
    "jvp",
    "linearize",
    "replace_all_batch_norm_modules_",
    "stack_module_state",
    "vjp",
    "vmap",
]

explains(__name__)
