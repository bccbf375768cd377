"""What makes a Tensor pleasant: operators, methods, creation, random numbers, printing, `out=`."""

from . import (
    about,
    conversions,
    copies,
    creation,
    drawing,
    exchange,
    forms,
    graph,
    operators,
    printing,
    sampling,
    storage,
    typed,
    values,
    writing,
)
