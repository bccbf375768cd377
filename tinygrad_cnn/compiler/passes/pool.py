"""What a max-pooling chose from a ReLU's result is as positive as the pooling's own result.

    v3 = max_pool2d.back(g, choice)           v3 = relu.back(g, p)
    v4 = relu.back(v3, r)               ->    v4 = max_pool2d.back(v3, choice)

with r the ReLU's result and p = max_pool2d(r): the gradient is masked where there are few numbers, not many.
"""

from __future__ import annotations

from ..program import Program, Value


def pool(program: Program) -> None:
    pools = {i.outs[1]: i for i in program.forward if i.name == "max_pool2d" and not i.args[-1]}
    readers = program.readers()
    for part in (program.forward, program.backward):
        for place in part:
            if place.name != "max_pool2d.back_input" or place.args[1] not in pools:
                continue
            forward, large = pools[place.args[1]], place.outs[0]
            users = readers[large] if large else []
            if (
                large is None
                or len(users) != 1
                or users[0].name != "relu.back_input"
                or users[0].args != (large, forward.args[0])
            ):
                continue
            mask, g = users[0], place.args[0]
            small = Value.of(g, f"{large.name}m")
            mask.args, place.args = (g, forward.outs[0]), (small, *place.args[1:])
            place.outs, mask.outs = mask.outs, [small]
            part.remove(mask)
            part.insert(part.index(place), mask)
            readers = program.readers()
