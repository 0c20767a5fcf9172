import anyio
import click
import psutil
from torch.distributed.run import main

psutil.Popen(["true"])
click.launch("file")
main(["train.py"])


async def start():
    await anyio.run_process(["true"])


anyio.run(start)
