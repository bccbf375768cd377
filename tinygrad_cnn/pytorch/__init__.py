"""What of PyTorch is here and what is not: `README.md` in this folder, `tinygrad-cnn info --surface`.

    names.txt      the public names of PyTorch and torchvision, recorded (`record.py` says which count)
    sentences.py   why something is not here and what to use instead, or how it differs: by hand
    surface.py     whether each name is here: by looking
    report.py      the list for a terminal, for a program, and as the page
    absent.py      what an error says when a name is missed
    standins.py    modules that are imported and not called: `jit`, `fx`, `hub` ...

Nothing of this is read before a name is missed, but the names of Tensor, which has no other way to say more of them.

>>> import tinygrad_cnn as tg
>>> tg.fft
Traceback (most recent call last):
AttributeError: torch.fft is not in tinygrad_cnn: Fourier transforms need complex networks; numpy.fft works on x.numpy()
>>> tg.nn.Linaer
Traceback (most recent call last):
AttributeError: module 'tinygrad_cnn.nn' has no attribute 'Linaer'; did you mean 'Linear'?
"""
