"""What is to be said of PyTorch's names, by hand: why something is not here and what to use instead, or how it differs.

A row has words and a sentence; the first row that has a word for a name speaks of it, so single names stand above
their groups. A word may have * and ?, as in file names: with a dot it is a whole name, without one the last part of
a name of `torch`, `torch.Tensor`, `nn.functional` or `linalg`. Whether a name is here is looked up, and not said here:
a row says nothing of names that are. A sentence goes on after "torch.fft is not in tinygrad_cnn: ".
"""

from __future__ import annotations

import functools
import re
from itertools import accumulate

SHORT = r"torch\.(Tensor\.|nn\.functional\.|linalg\.)?"

NOT_HERE = [
    # numbers
    ("torch.fft torch.fft.* torch.signal torch.signal.* stft istft *_window",
     "Fourier transforms need complex networks; numpy.fft works on x.numpy()"),
    ("angle cdouble cfloat chalf complex complex32 complex64 complex128 conj conj_physical conj_physical_ imag "
     "is_complex is_conj is_neg isreal polar real resolve_* view_as_complex view_as_real vdot sgn sgn_ adjoint H mH "
     "torch.Complex*",
     "complex numbers have no gradients here; keep the real and the imaginary part in two tensors, or compute on "
     "x.numpy()"),
    ("bfloat16 torch.BFloat16* torch.nn.Module.bfloat16",
     "NumPy has no bfloat16; take float32, or float16 where memory counts"),
    ("uint16 uint32 uint64", "whole numbers are int8 to int64, and uint8; int64 holds the values of these"),
    ("quantize_* q_* fake_quantize_* int_repr dequantize qint* quint* qscheme per_*_affine* per_*_symmetric "
     "quantized_* torch.ao torch.ao.* torch.quantization torch.quantization.* torch.nn.intrinsic torch.nn.qat "
     "torch.nn.quantizable torch.nn.quantized int1 int2 int3 int4 int5 int6 int7 uint? bit bits* float8* float4* "
     "torch.Q*Storage is_quantized ScalingType SwizzleType grouped_mm scaled_*mm",
     "there are no networks of fewer than 16 bits; export(...) to ONNX, whose runtimes quantise"),
    ("sparse* *sparse* coalesce is_coalesced col_indices crow_indices dense_dim indices values hspmm smm sspaddmm "
     "to_dense jagged torch.optim.SparseAdam",
     "tensors are dense; keep a dense one and a mask, or scipy.sparse beside it"),
    ("nested torch.masked to_padded_tensor", "rows of a tensor are of one length; pad them, and mask what was padded"),
    # memory and devices
    ("*Storage storage storage_type untyped_storage torch.storage set_ resize_as_ is_set_to to_mkldnn from_file "
     "is_storage const_data_ptr",
     "a tensor's memory is a NumPy array; x.numpy() shares it, numpy.memmap and from_numpy read it from a file"),
    ("get_device get_device_module is_cpu is_ipu is_maia is_meta is_mkldnn is_mtia is_vulkan is_xla is_xpu ipu mtia "
     "xpu torch.cpu torch.mps torch.xpu.* torch.cpu.* torch.mps.* torch.mtia.* "
     "record_stream Stream Event AcceleratorError OutOfMemoryError torch.nn.Module.ipu "
     "torch.nn.Module.mtia torch.nn.Module.xpu torch.nn.Module.to_empty torch.cuda.* torch.backends.* "
     "torch.accelerator.*",
     "everything is computed on the CPU, at once and in order; device('cpu') is the only one"),
    ("layout strided legacy_contiguous_format channels_last_3d dim_order empty_permuted empty_strided "
     "new_empty_strided as_strided as_strided_ as_strided_scatter",
     "memory is laid out as NumPy does it; permute(...).contiguous() makes another order"),
    ("*et_float32_matmul_precision set_flush_denormal *_num_interop_threads *set_warn_always is_warn_always_enabled "
     "*_deterministic_debug_mode compiled_with_cxx11_abi torch.version torch_version set_default_tensor_type",
     "it sets PyTorch's own kernels; here set_num_threads, set_default_dtype and use_deterministic_algorithms do"),
    # programs
    ("torch.jit torch.jit.* torch.fx torch.fx.* torch.export torch.export.* ScriptFunction CompilationUnit "
     "JITException torch.compiler.* torch.cond while_loop sym_* torch.nn.Module.compile",
     "a program is captured by tinygrad_cnn.compile, and written to a file by tinygrad_cnn.onnx.export; decorators "
     "of jit change nothing"),
    ("torch.hub torch.hub.* torch.utils.model_zoo torch.utils.model_zoo.* torchvision._internally_replaced_utils",
     "nothing is downloaded; fetch the file yourself, and tinygrad_cnn.load or vision's models read it"),
    ("torch.library torch.overrides torch.package torch.types torch.return_types torch.functional "
     "Tag DisableTorchFunction as_subclass module_load hash_tensor typename",
     "it extends PyTorch from within; tinygrad_cnn.op and tinygrad_cnn.appears add an op here"),
    ("torch.nn.attention.flex_attention torch.nn.attention.bias",
     "nn.functional.scaled_dot_product_attention takes a mask, or numbers that are added to the scores"),
    ("torch.nn.parallel.*", "there are no devices to scatter over; DataParallel runs the module as it is"),
    ("torch._C", "it is the part of PyTorch that is written in C++"),
    ("torch._dynamo torch._inductor torch._jit_internal torch._utils torch.onnx.symbolic_*",
     "it is a part of PyTorch that its documentation does not speak of"),
    ("torch.multiprocessing.*",
     "it is Python's own; tinygrad-cnn launch starts a program several times, multiprocessing.Process one function"),
    ("torch.futures torch.futures.* torch.monitor torch.distributed.*",
     "processes speak by MPI; tinygrad_cnn.distributed has collectives and DistributedDataParallel"),
    ("torch.utils.collect_env", "tinygrad-cnn info says what is installed"),
    ("torch.utils.cpp_extension torch.utils.cpp_extension.*", "ops are written in Python, with Numba where it is fast"),
    ("torch.utils.*", "it is for those who build PyTorch itself"),
    # functions
    ("torch.special torch.special.* digamma* erfinv* i0 i0_ igamma* lgamma* mvlgamma* polygamma* logit* xlog* sinc_",
     "special functions of statistics; scipy.special works on x.numpy()"),
    ("torch.linalg.* geqrf orgqr ormqr lobpcg pca_lowrank svd_lowrank vander",
     "few programs need it; numpy.linalg and scipy.linalg work on x.numpy(), without a gradient"),
    ("argwhere block_diag bucketize cartesian_prod combinations column_stack corrcoef cov cumulative_trapezoid "
     "diag_embed diagflat diagonal_scatter diff dsplit dstack hsplit vsplit row_stack fill_diagonal_ gradient histc "
     "histogram histogramdd isin logcumsumexp mode nanmedian nanquantile quantile nonzero_static put put_ range "
     "result_type scatter_reduce* searchsorted segment_reduce select_scatter slice_scatter index_reduce* index_put_ "
     "masked_scatter* sum_to_size swapdims_ trapezoid trapz tril_indices triu_indices unique_consecutive "
     "unravel_index unsafe_chunk unsafe_split narrow_copy atleast_3d apply_ map_ resize_ index",
     "few networks need it; NumPy's function of this name, or of one alike, works on x.numpy()"),
    ("torch.quasirandom", "scipy.stats.qmc draws points that fill a cube evenly"),
    ("poisson cauchy_ geometric_ log_normal_ rrelu",
     "numpy.random draws it: from_numpy(numpy.random.default_rng(0).poisson(...))"),
    ("channel_shuffle pixel_shuffle pixel_unshuffle max_pool1d_with_indices native_channel_shuffle conv_tbc "
     "ctc_loss embedding_bag rrelu",
     "look into nn.functional, where this or one alike is"),
    ("torch.func.*", "changes in place are followed as they are, and axes are moved by permute and reshape"),
    ("torch.distributions.*",
     "a subclass of Distribution, or a TransformedDistribution, says it in a few lines"),
    ("torch.profiler torch.profiler.* torch.autograd.profiler.*",
     "it is for GPUs and for PyTorch's own tools; profile, record_function and schedule are here"),
    ("is_inference is_nonzero is_signed is_nested is_shared share_memory_ is_sparse_csr name volatile grad_dtype "
     "detach detach_ to_dlpack",
     "it is asked of a tensor in another way: x.is_leaf, x.dtype, bool(x), x.detach(), x.__dlpack__()"),
    # layers
    ("torch.nn.Fractional* fractional_*", "pool by max_pool2d, or by interpolate to the size that is wanted"),
    ("torch.nn.Transformer* torch.nn.MultiheadAttention torch.nn.attention torch.nn.EmbeddingBag "
     "scaled_dot_product_attention multi_head_attention_forward",
     "attention is softmax(q @ k.mT / d**0.5) @ v"),
    ("torch.nn.CTCLoss torch.nn.MultiLabelMarginLoss multilabel_margin_loss torch.nn.TripletMarginWithDistanceLoss "
     "triplet_margin_with_distance_loss torch.nn.AdaptiveLogSoftmaxWithLoss torch.nn.LinearCrossEntropy* "
     "linear_cross_entropy torch.nn.NLLLoss2d",
     "write the loss out of functions that are here: its gradient comes by itself"),
    ("*_with_indices", "call the function without the ending, with return_indices=True"),
    ("torch.nn.CrossMapLRN2d",
     "it is an older LocalResponseNorm, whose sums keep the first channel; take LocalResponseNorm"),
    ("torch.nn.Container", "ModuleList and ModuleDict hold modules"),
    ("torch.nn.grad torch.nn.modules", "autograd.grad and nn have what it holds"),
    ("torch.nn.Module.*", "it is PyTorch's own bookkeeping; state_dict() and load_state_dict() are as there"),
    ("torch.nn.utils.*_bn_* torch.nn.utils.convert_conv?d_weight_memory_format torch.nn.utils.skip_init",
     "tinygrad_cnn.compile fuses layers by itself; x.to(memory_format=...) lays out a tensor"),
    ("torch.nn.utils.*weight_norm torch.nn.utils.*spectral_norm torch.nn.utils.parametrize* "
     "torch.nn.utils.parametrize.* torch.nn.utils.parametrizations torch.nn.utils.parametrizations.* "
     "torch.nn.utils.stateless",
     "compute the weight in forward(): F.linear(x, weight / weight.norm())"),
    # learning
    ("torch.optim.Muon torch.optim.Adafactor",
     "its gain is in training large language models; AdamW is here, and an Optimizer of your own takes a step()"),
    ("torch.optim.* torch.optim.Optimizer.*", "Adam, AdamW and SGD are here; an Optimizer of your own takes a step()"),
    ("torch.autograd.graph torch.autograd.graph.*", "x.register_hook sees gradients, viz.record sees all of a graph"),
    ("torch.autograd.*", "it is PyTorch's own machinery; Function, backward and grad are as there"),
    ("torch.utils.checkpoint.*", "it is PyTorch's own machinery; checkpoint and checkpoint_sequential are as there"),
    ("torch.utils.data.*", "data pipes have left PyTorch too; Dataset, IterableDataset and DataLoader are as there"),
    # pictures
    ("torchvision.models.quantization torchvision.models.quantization.*",
     "there are no networks of fewer than 16 bits; export(...) to ONNX, whose runtimes quantise"),
    ("torchvision.models.optical_flow torchvision.models.video torchvision.models.detection "
     "torchvision.models.detection.* torchvision.models.video.* torchvision.models.optical_flow.*",
     "networks here tell what a picture shows; boxes, films and flow have no ops of their own"),
    ("torchvision.models.segmentation torchvision.models.segmentation.*",
     "a network for segmentation is written of Conv2d and interpolate"),
    ("torchvision.models.get_*weight* torchvision.models.*_Weights torchvision.models.Weights*",
     "weights are not downloaded; model.load_state_dict(tinygrad_cnn.load(path)) takes them from a file"),
    ("torchvision.models.*",
     "torchvision's own file of this network runs here once its import lines are changed"),
    ("torchvision.datasets.wrap_dataset_for_transforms_v2", "transforms are those of version 1"),
    ("torchvision.datasets.*",
     "ImageFolder reads any folder of pictures, and a Dataset of your own any file"),
    ("torchvision.transforms.AugMix", "RandAugment and TrivialAugmentWide are here"),
    ("torchvision.transforms.* torchvision.transforms.functional.*",
     "Lambda(f) takes any function of a picture; Pillow's ImageOps and ImageFilter have many"),
    ("torchvision.utils.*", "Pillow's ImageDraw draws boxes and points; make_grid and save_image are here"),
    ("torchvision.ops torchvision.ops.*", "operations on boxes and regions are for detection, which is not here"),
    ("torchvision.io torchvision.io.*", "Pillow opens pictures; films are not read"),
    ("torchvision.extension torchvision.version torchvision.*_backend torchvision.disable_beta_transforms_warning",
     "pictures are Pillow's, by any name"),
]  # fmt: skip

DIFFERENT = [
    ("torch.linalg.eig torch.linalg.eigvals", "it gives complex numbers, which have no gradients here"),
    ("torch.linalg.det torch.det torch.Tensor.det",
     "the first derivative at a singular matrix is the cofactors; PyTorch's is 0 there"),
    ("torch.ops torch.compiler torch.testing torch.serialization torch.functional torch.random",
     "a module of this library's own under that name, with other contents"),
    # numbers
    ("rand randn randint rand*_like randperm normal bernoulli multinomial poisson manual_seed seed initial_seed "
     "Generator default_generator bernoulli_ normal_ uniform_ random_ exponential_ log_normal_ cauchy_ geometric_ "
     "rrelu rrelu_ dropout dropout1d dropout2d dropout3d *alpha_dropout* gumbel_softmax torch.nn.Dropout* "
     "torch.nn.*AlphaDropout torch.nn.RReLU torch.nn.init.uniform_ torch.nn.init.*normal_ torch.nn.init.*uniform_ "
     "torch.nn.init.orthogonal_ torch.nn.init.sparse_ torch.utils.data.random_split torch.utils.data.*RandomSampler",
     "random numbers are drawn by NumPy: of the same distribution, and others than PyTorch's from the same seed"),
    ("get_rng_state set_rng_state", "the state is a dict, that of a NumPy generator, and no tensor"),
    ("dtype torch.float torch.float?? torch.double torch.half torch.int torch.int8 torch.int?? torch.long torch.short "
     "torch.uint8 torch.bool",
     "dtypes are NumPy's: tinygrad_cnn.float32 == numpy.float32, and it prints without torch; what is asked of a dtype "
     "by attributes is_floating_point(x) and finfo(dtype) answer"),
    ("Size shape size", "a shape is a tuple, and prints as one: (2, 3)"),
    ("set_printoptions", "a tensor prints its shape and dtype as well: tensor([1.], shape=(1,), dtype=float32)"),
    # memory and devices
    ("torch.device torch.Tensor.cuda torch.nn.Module.cuda set_default_device torch.cuda torch.accelerator",
     "another device than the CPU may be named, and is refused when something is to be there; is_available() is False"),
    ("pin_memory is_pinned torch.nn.Module.share_memory", "there is nothing to do on a CPU, and nothing is done"),
    ("load save",
     "a file holds values and no code: state dicts and what is made of lists, dicts and tensors, in this library's own "
     "format; .npz and .safetensors go between the libraries, and a whole module is refused"),
    ("use_deterministic_algorithms",
     "all algorithms are deterministic; this lets a program wait for the kernels that are being compiled"),
    ("compile",
     "the program is captured by running it, and replayed; backend and mode are taken and change nothing"),
    ("torch.utils.data.DataLoader",
     "num_workers are threads; the batches are the same with any number of them, also after it goes on from a state"),
    ("torch.distributed torch.multiprocessing",
     "the backend is MPI, and tinygrad-cnn launch starts the processes; multiprocessing is Python's own"),
    ("torch.nn.DataParallel", "the module runs as it is, on the CPU"),
    ("torch.autograd.profiler.profile torch.profiler.profile",
     "ops go by their names here, conv2d and not aten::conv2d; with_modules sums up by class of module; with_stack and "
     "with_flops are taken and change nothing"),
    ("torch.utils.checkpoint.checkpoint torch.utils.checkpoint.checkpoint_sequential",
     "with use_reentrant=False what was computed again stays until the graph is freed, so that a second walk of a "
     "retained graph computes nothing"),
    # pictures
    ("torchvision.models.get_model torchvision.models.list_models",
     "of this library's own networks: get_model(name, input_shape=..., num_classes=...)"),
    ("torchvision.models.*_Weights torchvision.models.WeightsEnum",
     "weights have names, and asking for them is an error that says what to do: nothing is downloaded"),
    ("torchvision.models.resnet* torchvision.models.alexnet torchvision.models.vgg* torchvision.models.densenet* "
     "torchvision.models.mobilenet* torchvision.models.squeezenet* torchvision.models.mnasnet* "
     "torchvision.models.shufflenet* torchvision.models.efficientnet* torchvision.models.vit_*",
     "weights=None alone: trained weights are loaded from a state dict that you have"),
]  # fmt: skip


def pattern(words: str) -> str:
    """What a name is held to, for several words."""
    parts = (re.escape(word if "." in word else f"@{word}") for word in words.split())
    return "|".join(parts).replace(r"\*", "[^.]*").replace(r"\?", "[^.]").replace("@", SHORT)


_pattern = functools.cache(lambda words: re.compile(pattern(words)))


def first(rows: list[tuple[str, str]], path: str) -> str | None:
    """The sentence for a name of PyTorch, by its dotted path; None where no row has one."""
    return next((sentence for words, sentence in rows if _pattern(words).fullmatch(path)), None)


def refusal(path: str) -> str:
    """What is said when something that is not here is called, by its dotted name: its sentence, or that of its room."""
    rooms = list(accumulate(path.split("."), "{}.{}".format))
    said = next((s for room in reversed(rooms) if (s := first(NOT_HERE, room))), "it is PyTorch's own machinery")
    return f"{path} is not in tinygrad_cnn: {said}"
