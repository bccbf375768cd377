"""The engine: what a Tensor is, how a call of an op is recorded, and how backward goes.

Its files are read in this order, and a file imports only those above it:

    modes       what a thread is doing: recording or not, inside which module, watched or not
    node        one recorded step; the end of a path
    memory      tensors on one memory
    view        a tensor on a part of another one's memory
    tensor      an array with a history
    stamp       whether tensors still hold what they held
    op          an op: a function on arrays, and its rules
    plan        what a node of an op keeps, read from its rules
    record      a call becomes a node
    call        the call of an op
    broadcast   the ops that the engine itself differentiates with
    watch       going back while somebody looks
    walk        from the loss back to the leaves
    higher      the same, with gradients that have graphs of their own
    inplace     changes in place
    fusion      one kernel, recorded as several ops
    function    an op as a class with forward and backward

README.md says what the words mean.
"""
