"""Several processes, on one machine or many, that train one model: PyTorch's `distributed`, on MPI.

    tinygrad-cnn launch -n 4 script.py        (or mpiexec -n 4 python script.py)

    from tinygrad_cnn import distributed as dist
    dist.init_process_group("mpi")
    x = tg.ones(3) * dist.get_rank()
    dist.all_reduce(x)                        # every rank has 0 + 1 + 2 + 3
    dist.destroy_process_group()

A process that was started alone, or where there is no MPI, is a world of one, where all of this works as well. The
order to read it in: `group.py` who is there; `collectives.py`, `point_to_point.py` and `objects.py` what they do;
`work.py` how a rank waits; `ticket.py` how ranks that disagree are found; `failing.py` how one that fails takes the
others with it. `nn.parallel.DistributedDataParallel` trains with it.
"""

from .collectives import (
    all_gather,
    all_gather_into_tensor,
    all_reduce,
    barrier,
    broadcast,
    gather,
    reduce,
    reduce_scatter,
    reduce_scatter_tensor,
    scatter,
)
from .errors import DistBackendError, DistError
from .group import (
    Backend,
    GroupMember,
    ProcessGroup,
    default_pg_timeout,
    destroy_process_group,
    get_backend,
    get_global_rank,
    get_group_rank,
    get_process_group_ranks,
    get_rank,
    get_world_size,
    group,
    init_process_group,
    is_available,
    is_initialized,
    is_mpi_available,
    new_group,
)
from .objects import (
    all_gather_object,
    broadcast_object_list,
    gather_object,
    recv_object_list,
    scatter_object_list,
    send_object_list,
)
from .point_to_point import irecv, isend, recv, send
from .reduce_op import ReduceOp
from .work import Work
