"""What scripts of the years since 2016 write, line by line as in PyTorch: values, dtypes, kinds of errors and warnings.

Each call is asked of both libraries; what differs on purpose is not here.
"""

from __future__ import annotations

import collections
import copy
import pickle
import re
import warnings

import numpy as np
import pytest

import tinygrad_cnn as tg

LINES = """
# typed constructors
torch.FloatTensor(); torch.FloatTensor(2, 3).shape; torch.FloatTensor((2, 3)); torch.FloatTensor([2, 3])
torch.FloatTensor(torch.Size([2, 3])).shape; torch.FloatTensor(np.array([1., 2.])); torch.FloatTensor(d)
torch.FloatTensor(x).data_ptr() == x.data_ptr(); torch.FloatTensor(r); torch.FloatTensor(3.); torch.FloatTensor('a')
torch.FloatTensor(None); torch.FloatTensor([1], 2); torch.FloatTensor(-1); torch.FloatTensor([1], device='cuda')
torch.LongTensor([1.7, -2.5]); torch.LongTensor(np.array([1.5])); torch.LongTensor([[1], [2, 3]])
torch.LongTensor(range(4)); torch.LongTensor([torch.tensor(1), torch.tensor(2)]); torch.ByteTensor([300])
torch.ByteTensor([-1]); torch.BoolTensor([0, 2]); torch.CharTensor([200]); torch.HalfTensor([1.])
torch.ShortTensor(2).shape; torch.IntTensor([2]); torch.DoubleTensor([x.sum(), 2]); torch.FloatTensor({1, 2})
torch.FloatTensor(collections.deque([1, 2])); torch.FloatTensor(data=[1.]); torch.FloatTensor(size=(2,)).shape
torch.FloatTensor([1.], dtype=torch.float64); torch.FloatTensor.is_cuda; torch.cuda.FloatTensor(2)
isinstance(x, torch.FloatTensor); isinstance(d, torch.FloatTensor); isinstance(2, torch.FloatTensor)
isinstance(torch.nn.Parameter(x), torch.FloatTensor); isinstance(x, torch.cuda.FloatTensor)
torch.Tensor(np.array([1, 2])); torch.Tensor(d); torch.Tensor(3.); torch.Tensor(True); torch.Tensor([[]])
torch.Tensor(None); torch.Tensor([None]); torch.Tensor('abc'); torch.Tensor(2, -1); torch.tensor(b'abc')
torch.tensor(collections.deque([1, 2])); torch.tensor(bytearray(b'ab'))
x.new(); x.new(2, 3).shape; x.new([1, 2]); d.new([1]); x.new(torch.Size([2, 3])).shape; x.new(d)
x.type(); d.type(); x.type(x.type()); x.type(torch.DoubleTensor); x.type(torch.long); x.type('torch.IntTensor')
x.type('torch.cuda.FloatTensor'); x.type(torch.cuda.FloatTensor); x.type('double'); x.type(float); x.type(3)
x.type(torch.FloatTensor) is x; torch.tensor([1j]).type()
torch.set_default_tensor_type(torch.DoubleTensor) or torch.Tensor([1.]); torch.Tensor([1.])
torch.set_default_tensor_type('torch.LongTensor'); torch.set_default_tensor_type('torch.cuda.FloatTensor')
# Variable
torch.autograd.Variable(x).data_ptr() == x.data_ptr(); torch.autograd.Variable(torch.LongTensor([1]))
torch.autograd.Variable(x, requires_grad=True); torch.autograd.Variable(x, volatile=True); torch.autograd.Variable(r)
torch.autograd.Variable(r * 2); torch.autograd.Variable([1.]); torch.autograd.Variable(); torch.autograd.Variable(2, 3)
torch.autograd.Variable(x, True); isinstance(r, torch.autograd.Variable)
torch.autograd.Variable(torch.LongTensor([1]), requires_grad=True)
torch.typename(x); torch.typename(3); torch.range(0, 3); torch.range(1, 2, .5); torch.range(3, 0); torch.range(0, 1, 0)
# places
str(torch.device('cuda:0')); repr(torch.device('cuda:1')); torch.device('cuda:0') == torch.device('cuda')
torch.device('cuda', 0) == torch.device('cuda:0'); torch.device('cuda', 0).index; torch.device('mps').type
torch.device('foo'); torch.device('cuda:a'); torch.device('cuda', -1); torch.device('cuda:1', 1); torch.device(None)
torch.device('cpu') == 'cpu'; torch.device(torch.device('cuda:1')).index; torch.device('')
torch.zeros(2, pin_memory=False, layout=torch.strided); torch.zeros(2, layout=3); x.layout == torch.strided
torch.empty(2, 3, 4, 5, memory_format=torch.channels_last).stride()
torch.empty(2, 3, memory_format=torch.channels_last)
torch.rand_like(torch.ones(2, 3, 4, 5), memory_format=torch.channels_last).stride()
# chance
torch.randint(5, size=(2,)).shape; torch.randint(high=5, size=(2,)).shape; torch.randint(0, high=5, size=(2,)).shape
torch.randint(low=1, high=5, size=(2,)).shape; torch.randint(5, [2]).shape; torch.randint(5, 2); torch.randint(5)
torch.randint(1, 5, 2); torch.randint(5.5, (2,)); torch.randint(size=(2,)); torch.randint(low=2, size=(2,))
torch.randint(torch.tensor(5), (2,)).shape; torch.randint_like(x, high=5).dtype; torch.randint_like(x)
torch.randint(0, 300, (2,), dtype=torch.uint8); torch.randint(0, 2**63, (2,)); torch.randint(5, ()).shape
len(next(iter(torch.utils.data.BatchSampler(torch.utils.data.RandomSampler(x, num_samples=10**10), 5, False))))
len(next(iter(torch.utils.data.BatchSampler(torch.utils.data.RandomSampler(x, True, 10**10), 5, False))))
torch.utils.data.DataLoader([], shuffle=True); len(torch.utils.data.DataLoader([]))
# NumPy's functions
np.exp(x); np.exp(r); np.clip(x, 0, .5); np.add(x, np.ones(2)); np.sqrt(torch.arange(3)); np.greater(x, 0); np.isnan(x)
np.maximum(x, 0); np.argmax(x); np.round(x); np.transpose(torch.ones(2, 3)); np.abs(x); np.matmul(x, x); np.cumsum(x)
np.divmod(x, 2); np.sin(torch.tensor(1.)); np.add.reduce(x); np.exp(x, out=np.zeros(2, 'f4')); np.float64(3) * x
np.where(x > 0, x, x); np.logical_not(x)
torch.where((x > 0).byte(), x, 0); torch.where((x > 0).byte() * 2, r, r * 2); r.where((x > 0).byte(), 0 * r)
torch.where((x > 0).int(), x, 0)
# derivatives
torch.autograd.grad((r * 2).sum(), r, only_inputs=True); torch.autograd.grad((r * 2).sum(), r, only_inputs=False)
torch.autograd.grad((r * 2).sum(), [r], None, None, False, True, True)
torch.autograd.gradcheck(lambda t: t * t, q, fast_mode=True)
torch.autograd.gradgradcheck(lambda t: t * t, q, fast_mode=True)
torch.autograd.gradcheck(lambda t: t.detach() * t, q, fast_mode=True, raise_exception=False)
# older names and forms
nn.init.kaiming_normal(M).shape; nn.init.xavier_normal(M).shape; nn.init.xavier_uniform(M).shape
nn.init.normal(M).shape
nn.init.kaiming_uniform(M).shape; nn.init.uniform(M).shape; nn.init.constant(M, 2.); nn.init.orthogonal(M).shape
nn.init.eye(M); nn.init.dirac(torch.zeros(2, 2, 2)); nn.init.sparse(M, .5).shape; nn.init.zeros(M)
nn.utils.clip_grad_norm([r], 1.); F.upsample_nearest(X, scale_factor=2); F.upsample_bilinear(X, scale_factor=2)
F.upsample(X, scale_factor=2); nn.NLLLoss2d()(X - 1, X[:, 0].long()); nn.NLLLoss2d().reduction
x.add_(torch.tensor(2.), x); x.addcmul_(torch.tensor(2.), x, x)
x.cpu(memory_format=torch.preserve_format); torch.bernoulli(torch.tensor(1.)).fill_(3.)
nn.Conv2d(2, 2, (3, 1), padding=(1, 2))._reversed_padding_repeated_twice
nn.Conv2d(2, 2, 1, padding_mode='reflect')._conv_forward(X + 1, X.new_ones(2, 2, 1, 1), None)
nn.BatchNorm2d(2)._check_input_dim(X); nn.BatchNorm2d(2)._check_input_dim(x)
nn.ModuleList().insert(0, nn.ReLU()); torch.multiprocessing.set_sharing_strategy('file_system')
torch.multiprocessing.set_sharing_strategy('x'); nn.DataParallel(nn.ReLU()).device_ids
x.add_(1, x); M.addmm_(2, 3, M, M); torch.true_divide(x, 2); torch.divide(x, 2); x[torch.ByteTensor([1, 0])]
F.sigmoid(x); F.tanh(x); nn.MSELoss(size_average=False)(x, x * 2); F.mse_loss(x, x * 2, reduce=False)
nn.CrossEntropyLoss(size_average=True)(M, torch.zeros(2).long()); torch.ones(()).data[0]; nn.Softmax()(M)
# memory
torch.ones(4).resize_(2, 2); torch.ones(4).resize_as_(M); r.resize_(3); (r * 2).resize_(3); x.resize_()
torch.arange(6).reshape(2, 3).t().resize_(2, 2); torch.arange(6)[2:].resize_(2); torch.arange(6)[:2].resize_(2, 2)
torch.arange(6).resize_((2, 3)); torch.arange(6).resize_(-1); torch.arange(6).resize_(2.5); x.resize_(0)
torch.FloatTensor().resize_(2, 3).copy_(torch.ones(2, 3)); x.data.resize_(2, 2).shape; x.resize_as_(3)
x.untyped_storage().nbytes(); len(torch.arange(6)[2:].untyped_storage())
pickle.loads(pickle.dumps(r * 2)); pickle.loads(pickle.dumps(r)); copy.copy(r * 2); copy.deepcopy(r * 2); copy.copy(r)
x.apply_(lambda v: v + 1); r.apply_(lambda v: v + 1); torch.is_nonzero(x[:1]); torch.is_complex(x); x.is_cpu
torch.is_same_size(x, M); torch.is_signed(x); torch.is_inference(x)
# switches
torch.get_float32_matmul_precision(); torch.set_float32_matmul_precision('foo'); torch.get_num_interop_threads() > 0
torch.set_deterministic_debug_mode('foo'); torch.set_deterministic_debug_mode(3); torch.get_deterministic_debug_mode()
torch.backends.cudnn.enabled; torch.backends.cudnn.benchmark; torch.backends.cudnn.deterministic
torch.cuda.max_memory_allocated()
"""

CALLS = [
    c.strip() for line in LINES.splitlines() if line[:1] != "#" for c in re.split(r"; (?=[\w(])", line) if c.strip()
]


def asked(call: str, m) -> list:
    """What a call gives, as data, or the kind of the error; and the kinds of its warnings."""
    names = {"torch": m, "np": np, "collections": collections, "x": m.ones(2), "d": m.ones(2, dtype=m.float64)}
    names |= {
        "nn": m.nn,
        "F": m.nn.functional,
        "M": m.zeros(2, 2),
        "X": m.zeros(1, 2, 2, 2),
        "pickle": pickle,
        "copy": copy,
    }
    names["r"] = m.ones(2, requires_grad=True)
    names["q"] = m.ones(2, dtype=m.float64, requires_grad=True)
    getattr(m, "set_warn_always", bool)(True)
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        try:
            found = eval(call, names)
        except Exception as error:
            found = next((k.__name__ for k in type(error).__mro__ if k.__module__ == "builtins"), "")
            found = "RuntimeError" if found == "AssertionError" else found  # PyTorch's, of a build without CUDA
        finally:
            if "set_default" in call:
                m.set_default_dtype(m.float32)
    if isinstance(found, m.Tensor):
        found = [found, found.requires_grad, found.is_leaf]
    return [found, sorted({w.category.__name__ for w in seen if "__array" not in str(w.message)})]


def test_older_calls(pytorch):
    theirs = pytorch(lambda m: {call: asked(call, m) for call in CALLS})
    pytorch.compare({call: asked(call, tg) for call in CALLS}, theirs, rtol=1e-6)


def test_variable_is_the_tensor_itself():
    x = tg.tensor([1, 2])
    assert tg.autograd.Variable(x) is x
    with pytest.warns(UserWarning, match="volatile was removed"):
        assert tg.autograd.Variable(x, volatile=True) is x
    frozen = tg.nn.Parameter(tg.ones(2))
    alias = tg.autograd.Variable(frozen)
    alias.add_(1)
    assert frozen.tolist() == [2, 2]
    assert (type(alias), alias.requires_grad) == (tg.Tensor, False)


def test_what_is_for_another_place_is_refused_when_it_is_used():
    there = tg.device("cuda:0")
    layer = tg.nn.Linear(2, 1)
    for use in (
        lambda: tg.zeros(1, device=there),
        lambda: tg.ones(1).to(there),
        lambda: layer.to(there),
        lambda: tg.nn.Linear(2, 1, device=there),
        lambda: tg.set_default_device(there),
        lambda: tg.ones(1).to(0),
        lambda: there.__enter__(),
    ):
        with pytest.raises(RuntimeError, match="computes on the CPU"):
            use()
    with tg.device("cpu"):
        assert tg.zeros(1).device == tg.device("cpu")


def test_random_numbers_are_as_if_a_fork_had_not_been():
    tg.manual_seed(0)
    with tg.random.fork_rng():
        first = tg.rand(3)
    assert tg.equal(tg.rand(3), first)


def test_memory_that_is_resized_stays_where_it_is_large_enough():
    x = tg.arange(6)
    part = x[1:3].resize_(4)
    part.fill_(9)
    assert x.tolist() == [0, 9, 9, 9, 9, 5]
    larger = x[:2].resize_(9)
    larger.fill_(7)
    assert x.tolist() == [0, 9, 9, 9, 9, 5]
    assert x.resize_(3).tolist() == [0, 9, 9]
    with pytest.warns(UserWarning, match="untyped_storage"):
        storage = x[1:].storage()
    storage[0] = 4
    assert (storage.tolist(), storage[1], len(storage)) == ([4, 9, 9, 9, 9, 5], 9, 6)
    assert storage.data_ptr() == x.data_ptr()
