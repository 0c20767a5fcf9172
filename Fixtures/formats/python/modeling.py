"""A model with a bit of everything."""
import os.path as p, sys
from .configuration_example import (ExampleConfig as Config,)
from transformers import *


@register("example")
class Example(Base[int], metaclass=Meta):
    width: int = field(default=f"{size()!r:>{width}}")

    async def forward(self, x, /, *, mask=None, **kwargs) -> "Tensor":
        with open(p) as f, lock():
            match f.read():
                case [Point(x), *_] if ready():
                    return {k: v for k in g() if k}
        return (yield_ := self.layers[0](x, *mask, **kwargs))
