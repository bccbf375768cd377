"""Every op with its rules under it, one topic a file; here are the public names."""

from functools import cache
from inspect import unwrap
from types import FunctionType

from ..arrays.arguments import names_strangers
from .activation import (
    celu,
    elu,
    gelu,
    glu,
    hardshrink,
    hardsigmoid,
    hardswish,
    hardtanh,
    leaky_relu,
    logsigmoid,
    mish,
    prelu,
    relu,
    relu6,
    relu_mask,
    selu,
    sigmoid,
    silu,
    softplus,
    softshrink,
    softsign,
    tanhshrink,
    threshold,
)
from .compare import (
    all,
    allclose,
    any,
    bitwise_and,
    bitwise_left_shift,
    bitwise_not,
    bitwise_or,
    bitwise_right_shift,
    bitwise_xor,
    eq,
    equal,
    ge,
    greater,
    greater_equal,
    gt,
    isclose,
    isfinite,
    isinf,
    isnan,
    isneginf,
    isposinf,
    le,
    less,
    less_equal,
    logical_and,
    logical_not,
    logical_or,
    logical_xor,
    lt,
    ne,
    not_equal,
    signbit,
)
from .conv import conv1d, conv2d, conv_transpose1d, conv_transpose2d
from .cumulative import (
    cummax,
    cummin,
    cumprod,
    cumsum,
)
from .distance import (
    cosine_embedding_loss,
    cosine_similarity,
    margin_ranking_loss,
    pairwise_distance,
    triplet_margin_loss,
)
from .dropout import (
    alpha_dropout,
    dropout,
    dropout1d,
    dropout2d,
    dropout3d,
    feature_alpha_dropout,
)
from .einsum import einsum
from .elementwise import (
    add,
    addcdiv,
    addcmul,
    atan2,
    clamp,
    clip,
    div,
    floor_divide,
    fmax,
    fmin,
    fmod,
    hypot,
    lerp,
    logaddexp,
    maximum,
    minimum,
    mul,
    multiply,
    nan_to_num,
    neg,
    negative,
    pow,
    remainder,
    rsub,
    sub,
    subtract,
    true_divide,
    where,
    xlogy,
)
from .embedding import embedding
from .gather import (
    gather,
    index_add,
    index_copy,
    index_fill,
    index_select,
    one_hot,
    scatter,
    scatter_add,
    take,
    take_along_dim,
)
from .index import (
    fill,
    getitem,
    index_put,
    masked_fill,
    masked_select,
    nonzero,
    setitem,
)
from .join import (
    atleast_1d,
    atleast_2d,
    cat,
    chunk,
    concat,
    concatenate,
    hstack,
    narrow,
    select,
    split,
    split_with_sizes,
    stack,
    tensor_split,
    unbind,
    vstack,
)
from .linalg import (
    addmm,
    addmv,
    baddbmm,
    bilinear,
    bmm,
    dot,
    inner,
    linear,
    matmul,
    mm,
    mv,
    outer,
    tensordot,
    trace,
)
from .loss import cross_entropy, multi_margin_loss, nll_loss
from .norm import (
    batch_norm,
    group_norm,
    instance_norm,
    layer_norm,
    local_response_norm,
    normalize,
    rms_norm,
)
from .out import accepts_out
from .pointwise_loss import (
    binary_cross_entropy,
    binary_cross_entropy_with_logits,
    gaussian_nll_loss,
    hinge_embedding_loss,
    huber_loss,
    kl_div,
    l1_loss,
    mse_loss,
    multilabel_soft_margin_loss,
    poisson_nll_loss,
    smooth_l1_loss,
    soft_margin_loss,
)
from .pool import (
    adaptive_avg_pool1d,
    adaptive_avg_pool2d,
    adaptive_max_pool1d,
    adaptive_max_pool2d,
    avg_pool1d,
    avg_pool2d,
    lp_pool1d,
    lp_pool2d,
    max_pool1d,
    max_pool2d,
    max_unpool2d,
)
from .rearrange import (
    constant_pad_nd,
    diag,
    diagonal,
    flip,
    fliplr,
    flipud,
    pad,
    repeat,
    repeat_interleave,
    roll,
    rot90,
    tile,
    tril,
    triu,
)
from .reduce import (
    amax,
    amin,
    aminmax,
    argmax,
    argmin,
    count_nonzero,
    logsumexp,
    max,
    mean,
    min,
    nanmean,
    nansum,
    norm,
    prod,
    std,
    std_mean,
    sum,
    var,
    var_mean,
)
from .resize import channel_shuffle, pixel_shuffle, pixel_unshuffle
from .shape import (
    adjoint,
    broadcast_shapes,
    broadcast_tensors,
    broadcast_to,
    channels_last,
    clone,
    contiguous,
    contiguous_format,
    expand,
    expand_as,
    flatten,
    is_contiguous,
    memory_format,
    meshgrid,
    moveaxis,
    movedim,
    permute,
    preserve_format,
    ravel,
    reshape,
    reshape_as,
    squeeze,
    swapaxes,
    swapdims,
    t,
    transpose,
    unflatten,
    unsqueeze,
    view,
    view_as,
)
from .softmax import gumbel_softmax, log_softmax, softmax, softmin
from .sort import (
    argsort,
    bincount,
    histc,
    kthvalue,
    median,
    msort,
    sort,
    topk,
    unique,
)
from .unary import (
    abs,
    absolute,
    acos,
    acosh,
    arccos,
    arccosh,
    arcsin,
    arcsinh,
    arctan,
    arctanh,
    asin,
    asinh,
    atan,
    atanh,
    ceil,
    cos,
    cosh,
    erf,
    erfc,
    exp,
    exp2,
    expm1,
    floor,
    frac,
    log,
    log1p,
    log2,
    log10,
    reciprocal,
    round,
    rsqrt,
    sign,
    sin,
    sinc,
    sinh,
    sqrt,
    square,
    tan,
    tanh,
    trunc,
)

# The functions that also take `out=`; two names of one stay one.
_accepting = cache(accepts_out)
for _name in """
    abs absolute acos acosh add addcdiv addcmul addmm addmv all amax amin aminmax any arccos arccosh arcsin arcsinh
    arctan arctanh argmax argmin argsort asin asinh atan atan2 atanh baddbmm bitwise_and bitwise_left_shift bitwise_not
    bitwise_or bitwise_right_shift bitwise_xor bmm cat ceil clamp clip concat concatenate cos cosh cummax cummin
    cumprod cumsum diag div dot eq erf erfc exp exp2 expm1 floor floor_divide fmax fmin fmod frac gather ge greater
    greater_equal gt hardshrink histc hstack hypot index_add index_copy index_select inner isneginf isposinf kthvalue
    le lerp less less_equal log log10 log1p log2 log_softmax logaddexp logical_and logical_not logical_or logical_xor
    logsumexp lt masked_select matmul max maximum mean median min minimum mm msort mul multiply mv nan_to_num nanmean
    nansum ne neg negative nonzero norm not_equal outer pow prod reciprocal remainder round rsqrt scatter scatter_add
    sigmoid sign signbit sin sinc sinh softmax sort sqrt square stack std sub subtract sum take take_along_dim tan tanh
    tensordot threshold topk tril triu true_divide trunc var vstack where xlogy
""".split():
    globals()[_name] = _accepting(globals()[_name])

# Compositions of ops; but where a warning names the line that called, nothing may stand between.
_named = {
    f: names_strangers(f)
    for f in list(globals().values())
    if isinstance(f, FunctionType) and f.__module__.startswith(__name__) and not hasattr(f, "op")
    if "warnings" not in unwrap(f).__globals__
}
globals().update(
    {name: _named[f] for name, f in list(globals().items()) if isinstance(f, FunctionType) and f in _named}
)
