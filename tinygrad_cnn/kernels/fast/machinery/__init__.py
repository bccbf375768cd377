"""What the fast kernels are made with; nothing in here is a kernel.

compiling       compiled.py: a loop as its share   cache.py: its machine code, kept on disk   team.py: its threads
memory          arrays.py: what a loop can read    memory.py: big results on memory used again
vectors         lanes.py: a few numbers at once    transpose.py: a block of them, turned
products        micro.py: the inner loop of convolution and matrix product    tables.py: where its numbers lie
                filters.py: weights in its order
"""
