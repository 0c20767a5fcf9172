import typing


def make(size: "typing.Annotated[int, Field(gt=0)]") -> "list[int]":
    return size
