class Base:
    pass


print(Base.__subclasses__())
