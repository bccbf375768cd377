"""The engine: what a Tensor is, how a call of an op is recorded, and how backward goes. Read the files in this order:

modes      what a thread is doing: recording or not, watched or not
node       one recorded step, and the end of a path
memory     tensors on one memory
tensor     an array with a history
op         a function on arrays and its rules
record     what is kept of a call
walk       from the loss back to the leaves
inplace    changes in place, and views
fusion     one kernel, recorded as several ops
function   an op as a class with forward and backward
"""
